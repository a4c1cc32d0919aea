import { counted } from "../core/base/counted.ts";
import { printable } from "../core/base/printable.ts";
import type { Violation, Warning } from "../core/base/violation.ts";

/** What is wrong with a file, one line each; `head` says what came of it. */
export function verdictLines(
  head: string,
  { violations, warnings }: { readonly violations: readonly Violation[]; readonly warnings: readonly Warning[] },
): readonly string[] {
  return [
    head,
    ...violations.map(({ message, rule }) => `  ✗ ${printable(message)}  [${rule}]`),
    ...warnings.map(({ message }) => `  ! ${printable(message)}`),
  ];
}

export function violationCount(violations: readonly Violation[]): string {
  return counted(violations.length, "violation");
}

/** Whether the owner of the device may allow it. */
export function isOfPolicy({ rule }: Violation): boolean {
  return rule.startsWith("policy.") && !["policy.hostPath.protected", "policy.capabilities.known"].includes(rule);
}

/** Where the owner allows it. */
export function policySentence(file: string): string {
  return `The policy of this device is the key "policy" of ${printable(file)}. After a change of it: systemctl reload edge`;
}
