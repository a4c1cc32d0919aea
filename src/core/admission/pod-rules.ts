import { containerRules } from "./rules/container.ts";
import { metadataRules } from "./rules/metadata.ts";
import type { FieldRule } from "./rules/row.ts";
import { specRule, specRules, statusRule } from "./rules/spec.ts";
import { volumeRules } from "./rules/volumes.ts";

/**
 * What each field of a pod may hold, whatever the others hold: one row a field, in the order of the Pod Update document.
 * A field without a row is unknown, and dropped with a warning (decisions.md 3: a field that
 * nothing reads cannot change what runs). Rules between fields stand in rules/relations.ts, the owner's in policy.ts, the device's in capacity.ts.
 */
export const podRules: readonly FieldRule[] = [
  ...metadataRules,
  specRule,
  ...volumeRules,
  ...containerRules,
  ...specRules,
  statusRule,
];
