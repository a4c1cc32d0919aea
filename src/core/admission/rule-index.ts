import { relations } from "./admit.ts";
import { podRules } from "./pod-rules.ts";
import { unknownFieldRule } from "./unknown-fields.ts";
import { twiceRule } from "./walk.ts";

/** What a rule asks for and why, for people (`edge validate --explain`). */
export interface ExplainedRule {
  readonly id: string;
  readonly path: string;
  readonly expectation: string;
  readonly source: string;
}

/** Rules of the names of fields, whatever object they are in. */
const nameRules: readonly ExplainedRule[] = [
  { ...twiceRule, path: "every field", source: "decisions.md 2" },
  { ...unknownFieldRule, path: "every field", source: "decisions.md 3" },
];

/** Every rule a pod update is judged by, in the order in which they are applied. */
export const everyRule: readonly ExplainedRule[] = [...podRules, ...relations, ...nameRules].map(
  ({ id, path, expectation, source }) => ({ id, path, expectation, source }),
);
