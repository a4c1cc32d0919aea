import * as v from "valibot";
import { allForbidden, type FieldRule, forbidden, forbiddenBut, optional, required } from "./row.ts";
import { anObject, aPath, list, pathWords, text } from "./schema.ts";

const document = "Pod Update";
const reference = "protocol.md §2.4";

export const volumeNamePattern: RegExp = /^[a-zA-Z0-9-]{1,63}$/;
export const configMapNamePattern: RegExp = /^[a-z][a-z0-9-]{2,62}[a-z0-9]$/;

/** Every volume source of Kubernetes that is not one of ours. */
const otherVolumeSources: readonly string[] = [
  "awsElasticBlockStore",
  "azureDisk",
  "azureFile",
  "cephfs",
  "cinder",
  "csi",
  "downwardAPI",
  "ephemeral",
  "fc",
  "flexVolume",
  "flocker",
  "gcePersistentDisk",
  "gitRepo",
  "glusterfs",
  "image",
  "iscsi",
  "nfs",
  "persistentVolumeClaim",
  "photonPersistentDisk",
  "portworxVolume",
  "projected",
  "quobyte",
  "rbd",
  "scaleIO",
  "secret",
  "storageos",
  "vsphereVolume",
];

/** Rules of `spec.volumes`, each field by itself. */
export const volumeRules: readonly FieldRule[] = [
  optional("spec.volumes", list(0, 256), "a list of at most 256", document),
  required("spec.volumes[]", anObject, "an object with a name and one source", document),
  optional("spec.volumes[].hostPath", anObject, "an object with a path", document),
  required("spec.volumes[].hostPath.path", aPath, pathWords, document),
  optional("spec.volumes[].hostPath.type", v.literal(""), 'leave it out or write ""', "Pod Update; decisions.md 9"),
  optional("spec.volumes[].configMap", anObject, "an object with a name and defaultMode 420", document),
  required("spec.volumes[].configMap.defaultMode", v.literal(420), "420 (0644)", document),
  required(
    "spec.volumes[].configMap.name",
    text(configMapNamePattern),
    "4 to 64 characters of a-z 0-9 -, the first a letter, the last no '-'",
    document,
  ),
  forbiddenBut("spec.volumes[].configMap.items", [], reference),
  forbidden("spec.volumes[].configMap.optional", reference),
  optional("spec.volumes[].emptyDir", anObject, "an object", document),
  optional(
    "spec.volumes[].emptyDir.medium",
    v.literal("Memory"),
    'leave it out, or write "" or Memory',
    "decisions.md 19",
  ),
  forbidden("spec.volumes[].emptyDir.sizeLimit", reference),
  required("spec.volumes[].name", text(volumeNamePattern), "1 to 63 characters of a-z A-Z 0-9 -", document),
  ...allForbidden("spec.volumes[]", otherVolumeSources, reference),
];
