import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { NodeFacts } from "../../src/core/admission/node-facts.ts";
import type { Policy } from "../../src/core/admission/policy.ts";
import { parseConfig } from "../../src/core/config/config.ts";

/** A message, the device it comes to, and what is to be said to it. */
export interface Case {
  readonly name: string;
  readonly expect: "accept" | "reject";
  readonly why: string;
  readonly policy: unknown;
  readonly node: NodeFacts;
  readonly message: unknown;
}

const file = new URL("../unit/conformance/messages.json", import.meta.url);

/** Every case that was handed over, in its order. */
export const conformanceCases = JSON.parse(readFileSync(file, "utf8")) as readonly Case[];

/** A policy as a configuration file holds it, with its defaults filled in. */
export function policyOf(policy: unknown): Policy {
  const parsed = parseConfig(
    { node: { name: "edge-1" }, center: { url: "wss://center.example/events" }, policy },
    { strict: true },
  );
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.config.policy;
}
