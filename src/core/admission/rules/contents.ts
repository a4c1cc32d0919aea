import * as v from "valibot";
import { podNamePattern, uidPattern } from "./metadata.ts";
import { essential, type FieldRule, forbidden, forbiddenBut, optional, required, secret } from "./row.ts";
import { anObject, list, mapOf, shortText, text, textMap, timestamp } from "./schema.ts";
import { configMapNamePattern } from "./volumes.ts";

const reference = "protocol.md §1.1";
const hardware = "protocol.md §1.2";

/** The name and uid of the one secret a center sends. */
const registrySecret = "fusion-director-docker-registry-secret";

function metadataOf(name: RegExp, words: string, isUid: (uid: string) => boolean): readonly FieldRule[] {
  return [
    essential("metadata", anObject, "an object with a name", reference),
    essential("metadata.name", text(name), words, reference),
    optional("metadata.namespace", v.picklist(["websocket", "mef-user"]), "websocket or mef-user", reference),
    optional("metadata.uid", v.pipe(v.string(), v.check(isUid)), "a lower-case uuid, or empty", reference),
    optional(
      "metadata.resourceVersion",
      text(/^[a-zA-Z0-9]{0,64}$/),
      "at most 64 characters of a-z A-Z 0-9",
      reference,
    ),
    optional("metadata.creationTimestamp", timestamp, "a time in RFC 3339 (2006-01-02T15:04:05Z)", reference),
    ...["labels", "annotations", "selfLink"].map((field) =>
      optional(`metadata.${field}`, v.unknown(), "anything; it is ignored", reference),
    ),
  ];
}

const kinds: readonly FieldRule[] = [
  optional("apiVersion", shortText(128), "text of at most 128 characters", reference),
  optional("kind", shortText(128), "text of at most 128 characters", reference),
];

/** Rules of a ConfigMap update. */
export const configMapRules: readonly FieldRule[] = [
  ...kinds,
  ...metadataOf(configMapNamePattern, "4 to 64 characters of a-z 0-9 -, the first a letter, the last no '-'", (uid) =>
    uidPattern.test(uid),
  ),
  secret(
    optional(
      "data",
      textMap(256, (key) => /^[a-zA-Z-][a-zA-Z0-9_.-]{0,62}$/.test(key), 2048),
      "at most 256 entries, keys of 1 to 63 characters of a-z A-Z 0-9 - _ . that start with a letter or -, values of at most 2048 characters",
      reference,
    ),
  ),
  secret(forbiddenBut("binaryData", {}, reference)),
  forbidden("immutable", reference),
];

/** The data of a secret: base64 text, or its bytes. */
function isSecretData(value: unknown): boolean {
  if (typeof value === "string") return value.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(value);
  return Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
}

/** Rules of the update of the registry secret. */
export const secretRules: readonly FieldRule[] = [
  ...kinds,
  ...metadataOf(
    podNamePattern,
    "1 to 128 characters of a-z 0-9 -, first and last no '-'",
    (uid) => uid === registrySecret || uidPattern.test(uid),
  ),
  secret(
    required(
      "data",
      v.pipe(
        mapOf(1, (key) => key === ".dockerconfigjson", isSecretData),
        v.check((value) => Object.keys(value as object).length === 1),
      ),
      "exactly one entry, .dockerconfigjson in base64",
      reference,
    ),
  ),
  optional("type", v.literal("kubernetes.io/dockerconfigjson"), "kubernetes.io/dockerconfigjson", reference),
  secret(forbidden("stringData", reference)),
];

const modelVersion = text(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/);

/** Rules of container_info: which model files a pod's containers use. */
export const containerInfoRules: readonly FieldRule[] = [
  required("operation", v.literal("update"), "update", hardware),
  required("source", v.literal("all"), "all", hardware),
  required("pod_name", text(/^[0-9a-z][0-9a-z-]{1,128}$/), "2 to 129 characters of a-z 0-9 -", hardware),
  optional("pod_uid", text(uidPattern), "a lower-case uuid", hardware),
  optional("uuid", text(uidPattern), "a lower-case uuid", hardware),
  required("container", list(1, 10), "a list of 1 to 10", hardware),
  required("container[]", anObject, "an object with modelfile", hardware),
  optional("container[].modelfile", list(0, 256), "a list of at most 256", hardware),
  required("container[].modelfile[]", anObject, "an object with name, version, active_type", hardware),
  required("container[].modelfile[].name", modelName(), "a file name that ends in .om, .tar.gz or .zip", hardware),
  required("container[].modelfile[].version", modelVersion, "1 to 64 characters of a-z 0-9 . _ -", hardware),
  required(
    "container[].modelfile[].active_type",
    v.picklist(["hot_update", "cold_update"]),
    "hot_update or cold_update",
    hardware,
  ),
];

function modelName(): v.GenericSchema<string> {
  return v.pipe(
    v.string(),
    v.regex(/^[a-zA-Z0-9_.-]{1,256}$/),
    v.check((name) => !name.includes("..") && /\.(?:om|tar\.gz|zip)$/.test(name)),
  );
}

const fourGiB = 4_294_967_296;
const size = v.pipe(
  v.string(),
  v.regex(/^[1-9][0-9]{0,9}$/),
  v.check((digits) => Number(digits) <= fourGiB),
);

/** Rules of modelfiles: what to fetch or to delete. */
export const modelFileRules: readonly FieldRule[] = [
  required("operation", v.picklist(["update", "delete"]), "update or delete", hardware),
  optional("target", v.picklist(["all", "temp"]), "all or temp", hardware),
  optional("uuid", text(uidPattern), "a lower-case uuid", hardware),
  optional("modelfiles", list(0, 256), "a list of at most 256", hardware),
  required("modelfiles[]", anObject, "an object with name and version", hardware),
  required("modelfiles[].name", modelName(), "a file name that ends in .om, .tar.gz or .zip", hardware),
  optional("modelfiles[].version", modelVersion, "1 to 64 characters of a-z 0-9 . _ -", hardware),
  optional("modelfiles[].check_type", v.literal("sha256"), "sha256", hardware),
  optional("modelfiles[].check_code", text(/^[0-9a-fA-F]{64}$/), "64 hexadecimal digits", hardware),
  optional("modelfiles[].size", size, "a decimal text from 1 to 4294967296", hardware),
  optional("modelfiles[].file_server", anObject, "an object with protocol and path", hardware),
  optional("modelfiles[].file_server.protocol", v.literal("https"), "https", hardware),
  // Its query may be a token.
  secret(
    optional(
      "modelfiles[].file_server.path",
      text(/^GET https:\/\/\S{1,2048}$/),
      "GET and an https:// address",
      hardware,
    ),
  ),
  optional(
    "modelfiles[].file_server.user_name",
    text(/^[a-zA-Z0-9_-]{1,64}$/),
    "1 to 64 characters of a-z A-Z 0-9 - _",
    hardware,
  ),
  secret(
    optional(
      "modelfiles[].file_server.password",
      v.pipe(v.string(), v.minLength(8), v.maxLength(64)),
      "8 to 64 characters",
      hardware,
    ),
  ),
];

/** Rules of npu_sharing. */
export const npuSharingRules: readonly FieldRule[] = [
  required("npu_sharing_enabled", v.boolean(), "true or false", hardware),
];
