// core/base: small functions that every other folder of core may use.

/** One thing that is wrong with a message: where, which rule, what was there, and what would pass. */
export interface Violation {
  /** In the sender's spelling: `spec.Volumes[0].hostPath.path`. */
  readonly path: string;
  /** Id of the rule's row. */
  readonly rule: string;
  /** Names the field, the value it had and what was expected. Sentence case, no final period. */
  readonly message: string;
  readonly value: unknown;
}

export interface Warning {
  readonly path: string;
  readonly message: string;
}

export type Verdict<T> =
  | { readonly accepted: true; readonly value: T; readonly warnings: readonly Warning[] }
  | { readonly accepted: false; readonly violations: readonly Violation[]; readonly warnings: readonly Warning[] };
