import assert from "node:assert/strict";
import { test } from "node:test";
import { relations } from "../../../../src/core/admission/admit.ts";
import { featureGates } from "../../../../src/core/admission/feature-gates.ts";
import { everyRule } from "../../../../src/core/admission/rule-index.ts";
import { nodeRelations } from "./node-relations.ts";
import { context, fullPod, openPolicy, refusals } from "./pods.ts";
import { policyRelations } from "./policy-relations.ts";
import { specRelations } from "./spec-relations.ts";

const table = [...specRelations, ...policyRelations, ...nodeRelations];

for (const row of table) {
  test(`${row.rule} rejects a pod at ${row.path} and accepts the nearest valid one`, () => {
    const found = refusals(row.refused, row.in ?? context);
    assert.ok(found.includes(`${row.rule} at ${row.path}`), found.join("\n"));
    const neighbour = refusals(row.passes, row.passesIn ?? row.in ?? context);
    assert.ok(!neighbour.some((text) => text.startsWith(`${row.rule} at`)), neighbour.join("\n"));
  });
}

test("the tests cover every relation, and every rule has a unique id", () => {
  const asked = new Set(table.map(({ rule }) => rule));
  assert.deepEqual(
    relations.map(({ id }) => id).filter((id) => !asked.has(id)),
    [],
  );
  const ids = everyRule.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const { path, expectation, source } of everyRule) assert.ok(path !== "" && expectation !== "" && source !== "");
});

test("admission rejects features that this build does not implement", () => {
  const found = refusals(fullPod(), { ...context, policy: openPolicy, featureGates });
  const off = Object.entries(featureGates).filter(([, carried]) => !carried);
  assert.ok(
    found.every((text) => off.some(([feature]) => text.startsWith(`notYet.${feature} at`))),
    found.join("\n"),
  );
});
