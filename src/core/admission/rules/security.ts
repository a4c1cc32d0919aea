import * as v from "valibot";
import { allForbidden, type FieldRule, optional } from "./row.ts";
import { anObject, list, shortText, whole } from "./schema.ts";

const document = "Pod Update";
const reference = "protocol.md §2.6";
const at = "spec.containers[].securityContext";

/** Rules of a container's securityContext, each field by itself; what needs a switch of the owner is in policy.ts. */
export const securityRules: readonly FieldRule[] = [
  optional(at, anObject, "an object", document),
  optional(`${at}.capabilities`, anObject, "an object with add or drop", document),
  optional(`${at}.capabilities.add`, list(0, 5), "a list of at most 5", document),
  optional(`${at}.capabilities.add[]`, shortText(32), "a name of at most 32 characters", reference),
  optional(`${at}.capabilities.drop`, list(0, 5), "a list of at most 5", reference),
  optional(`${at}.capabilities.drop[]`, shortText(32), "a name of at most 32 characters", reference),
  optional(`${at}.privileged`, v.boolean(), "true or false", document),
  optional(`${at}.runAsGroup`, whole(0, 65_535), "a whole number from 1 to 65535", "Pod Update; decisions.md 6"),
  optional(`${at}.runAsUser`, whole(0, 65_535), "a whole number from 1 to 65535", "Pod Update; decisions.md 6"),
  optional(`${at}.runAsNonRoot`, v.boolean(), "true or false", reference),
  optional(`${at}.readOnlyRootFilesystem`, v.boolean(), "true or false", reference),
  optional(`${at}.allowPrivilegeEscalation`, v.boolean(), "true or false", reference),
  optional(`${at}.seccompProfile`, anObject, "an object with type RuntimeDefault", reference),
  optional(`${at}.seccompProfile.type`, v.literal("RuntimeDefault"), "RuntimeDefault", reference),
  ...allForbidden(`${at}.seccompProfile`, ["localhostProfile"], reference),
  ...allForbidden(at, ["seLinuxOptions", "windowsOptions", "procMount", "appArmorProfile"], reference),
];
