import assert from "node:assert/strict";
import { test } from "node:test";
import { changedKeys } from "../../../../src/core/config/changed-keys.ts";
import { parseConfig } from "../../../../src/core/config/config.ts";

const minimal = { node: { name: "edge-1" }, center: { url: "wss://center.example/x" } };

function config(given: object) {
  const parsed = parseConfig({ ...minimal, ...given }, { strict: true });
  assert.ok(parsed.ok);
  return parsed.config;
}

test("changed keys are whole paths, split into what a reload takes over and what waits for a start", () => {
  const after = config({
    center: { ...minimal.center, headers: { authorization: "hunter2" }, keepaliveSeconds: 20 },
    policy: { hostPaths: ["/srv/**"], systemReserved: { cpu: "2" } },
    log: { level: "debug" },
  });
  assert.deepEqual(changedKeys(config({}), after), {
    atOnce: ["policy.hostPaths", "policy.systemReserved.cpu", "log.level"],
    atNextStart: ["center.headers", "center.keepaliveSeconds"],
  });
});

test("a configuration that spells out the defaults changes no key", () => {
  assert.deepEqual(changedKeys(config({}), config({ policy: { hostPaths: [] }, log: { level: "info" } })), {
    atOnce: [],
    atNextStart: [],
  });
});
