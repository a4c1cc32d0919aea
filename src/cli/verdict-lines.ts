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

/** Where the owner allows it, and what to add there if it is a list. */
export function policySentence(file: string, violations: readonly Violation[]): string {
  const additions = (["hostPaths", "capabilities"] as const).flatMap((key) => {
    const values = violations.flatMap(({ rule, value }) => (rule === `policy.${key}` ? [String(value)] : []));
    return values.length === 0 ? [] : [`"${key}": ${JSON.stringify([...new Set(values)])}`];
  });
  const add = additions.length === 0 ? "" : ` To allow this, add to it ${additions.join(" and ")}.`;
  return printable(
    `The policy of this device is the key "policy" of ${file}.${add} After a change of it: systemctl reload edge`,
  );
}
