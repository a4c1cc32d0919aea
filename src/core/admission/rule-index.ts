import { relations } from "./admit.ts";
import { podRules } from "./pod-rules.ts";

/** What a rule asks for and why, for people (`edge validate --explain`). */
export interface ExplainedRule {
  readonly id: string;
  readonly path: string;
  readonly expectation: string;
  readonly source: string;
}

/** Every rule a pod update is judged by, in the order in which they are applied. */
export const everyRule: readonly ExplainedRule[] = [...podRules, ...relations].map(
  ({ id, path, expectation, source }) => ({ id, path, expectation, source }),
);
