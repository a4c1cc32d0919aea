import assert from "node:assert/strict";
import { test } from "node:test";
import { admitMessage } from "../../src/core/admission/admit.ts";
import { everything } from "../../src/core/admission/feature-gates.ts";
import { decodeMessage } from "../../src/core/protocol/message.ts";
import { type Case, conformanceCases as cases, policyOf } from "../samples/conformance.ts";

/** What this build says to a case, from the text of the message to the verdict. */
function judge({ policy, node, message }: Case): { readonly verdict: "accept" | "reject"; readonly said: string } {
  const decoded = decodeMessage(JSON.stringify(message));
  if (!decoded.ok) return { verdict: "reject", said: decoded.reason };
  const context = { policy: policyOf(policy), node, featureGates: everything, nodeName: "edge-1" };
  const verdict = admitMessage(decoded.message, context);
  if (verdict.accepted) return { verdict: "accept", said: JSON.stringify(verdict.warnings) };
  return { verdict: "reject", said: verdict.violations.map((violation) => violation.message).join("\n") };
}

test("there are as many cases as were handed over", () => {
  assert.equal(cases.length, 254);
});

for (const one of cases) {
  test(`${one.name} is ${one.expect === "accept" ? "accepted" : "refused"}`, () => {
    const { verdict, said } = judge(one);
    assert.equal(verdict, one.expect, `${one.why}\nsaid: ${said}`);
  });
}
