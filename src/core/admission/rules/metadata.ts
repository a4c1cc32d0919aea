import * as v from "valibot";
import { essential, type FieldRule, optional } from "./row.ts";
import { anObject, shortText, text, textMap, timestamp, whole } from "./schema.ts";

const document = "Pod Update";
const reference = "protocol.md §2.2";

export const podNamePattern: RegExp = /^[a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?$/;
export const uidPattern: RegExp = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Rules of `metadata`, and what stands beside it. */
export const metadataRules: readonly FieldRule[] = [
  optional("apiVersion", shortText(128), "text of at most 128 characters", reference),
  optional("kind", shortText(128), "text of at most 128 characters", reference),
  essential("metadata", anObject, "an object with the pod's name", document),
  optional("metadata.creationTimestamp", timestamp, "a time in RFC 3339 (2006-01-02T15:04:05Z)", document),
  essential("metadata.name", text(podNamePattern), "1 to 128 characters of a-z 0-9 -, first and last no '-'", document),
  optional(
    "metadata.namespace",
    v.picklist(["websocket", "mef-user"]),
    "websocket or mef-user, or leave it out",
    document,
  ),
  optional("metadata.resourceVersion", text(/^[a-zA-Z0-9]{0,64}$/), "at most 64 characters of a-z A-Z 0-9", document),
  optional("metadata.uid", text(uidPattern), "a lower-case uuid, or empty", document),
  optional("metadata.deletionTimestamp", timestamp, "a time in RFC 3339 (2006-01-02T15:04:05Z)", document),
  optional("metadata.deletionGracePeriodSeconds", whole(0, 120), "a whole number from 0 to 120", reference),
  optional(
    "metadata.labels",
    textMap(64, (key) => key.length <= 128, 64),
    "at most 64 entries, keys of at most 128 and values of at most 64 characters",
    reference,
  ),
  optional(
    "metadata.annotations",
    textMap(64, (key) => key.length <= 128, 64),
    "at most 64 entries, keys of at most 128 and values of at most 64 characters",
    reference,
  ),
  optional("metadata.ownerReferences", v.pipe(v.array(v.unknown()), v.maxLength(64)), "at most 64 entries", reference),
  optional("metadata.finalizers", v.pipe(v.array(v.string()), v.maxLength(64)), "at most 64 texts", reference),
  optional("metadata.selfLink", shortText(1024), "text of at most 1024 characters", reference),
  // A pod as kubectl prints it has them.
  ...["generateName", "generation", "managedFields"].map((name) =>
    optional(`metadata.${name}`, v.unknown(), "anything; it is ignored", "decisions.md 3"),
  ),
];
