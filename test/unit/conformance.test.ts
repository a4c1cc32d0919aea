import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { admitMessage } from "../../src/core/admission/admit.ts";
import { everything } from "../../src/core/admission/carried-out.ts";
import type { NodeFacts } from "../../src/core/admission/facts.ts";
import type { Policy } from "../../src/core/admission/policy.ts";
import { parseConfig } from "../../src/core/config.ts";
import { decodeMessage } from "../../src/core/protocol/message.ts";

interface Case {
  readonly name: string;
  readonly expect: "accept" | "reject";
  readonly why: string;
  readonly policy: unknown;
  readonly node: NodeFacts;
  readonly message: unknown;
}

const file = new URL("conformance/messages.json", import.meta.url);
const cases = JSON.parse(readFileSync(file, "utf8")) as readonly Case[];

function policyOf(policy: unknown): Policy {
  const parsed = parseConfig(
    { node: { name: "edge-1" }, center: { url: "wss://center.example/events" }, policy },
    { strict: true },
  );
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.config.policy;
}

/** What this build says to a case, from the text of the message to the verdict. */
function judge({ policy, node, message }: Case): { readonly verdict: "accept" | "reject"; readonly said: string } {
  const decoded = decodeMessage(JSON.stringify(message));
  if (!decoded.ok) return { verdict: "reject", said: decoded.reason };
  const context = { policy: policyOf(policy), node, carriedOut: everything, nodeName: "edge-1" };
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
