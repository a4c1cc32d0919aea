import assert from "node:assert/strict";
import { test } from "node:test";
import { closest } from "../../../../src/core/base/closest.ts";
import { jsonProblem } from "../../../../src/core/base/json-error.ts";
import { parseConfig } from "../../../../src/core/config/config.ts";

test("a mistyped word is matched to the closest candidate, at most two letters away", () => {
  const words = ["policy", "images", "node"];
  assert.equal(closest("polcy", words), "policy");
  assert.equal(closest("Policy", words), "policy");
  assert.equal(closest("nod", words), "node");
  assert.equal(closest("folder", words), null);
  assert.equal(closest("x".repeat(1_000_000), words), null);
});

test("an unknown key of the configuration is named with the key that was meant, at every depth", () => {
  const value = {
    node: { name: "edge-1" },
    center: { url: "wss://center.example/", tls: { sa: "/ca.pem" }, keepAliveSeconds: 5 },
    polcy: {},
    zzz: 1,
  };
  const parsed = parseConfig(value, { strict: true });
  const messages = parsed.ok ? [] : parsed.violations.map(({ message }) => message).sort();
  assert.deepEqual(messages, [
    'unknown key "center.keepAliveSeconds"; did you mean "center.keepaliveSeconds"?',
    'unknown key "center.tls.sa"; did you mean "center.tls.ca"?',
    'unknown key "polcy"; did you mean "policy"?',
    'unknown key "zzz"',
  ]);
});

for (const [text, problem] of [
  ['{\n  "node": {},\n  "center": x\n}', /^not valid JSON(?: at line 3)?$/],
  ['{"node": {}\n', /^not valid JSON: it ends too early$|^not valid JSON at line 2$/],
] as const) {
  test(`${JSON.stringify(text)} is rejected with its position`, () => {
    try {
      JSON.parse(text);
    } catch (error) {
      assert.match(jsonProblem(text, error), problem);
      return;
    }
    assert.fail("it is JSON");
  });
}
