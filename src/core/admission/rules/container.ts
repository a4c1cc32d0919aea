import * as v from "valibot";
import { probeRules } from "./probe.ts";
import { allForbidden, essential, type FieldRule, forbiddenBut, keyed, optional, required, secret } from "./row.ts";
import { anObject, aPath, hostAddress, isQuantity, list, mapOf, pathWords, text, whole } from "./schema.ts";
import { securityRules } from "./security.ts";
import { volumeNamePattern } from "./volumes.ts";

const document = "Pod Update";
const reference = "protocol.md §2.5";

/** Names of resources in a message; the last two mean the device's own NPU (decisions.md 4: centers send either of the two). */
const resourceNames: readonly string[] = ["cpu", "memory", "npu", "huawei.com/Ascend310"];

const resourceList = mapOf(resourceNames.length, (name) => resourceNames.includes(name), isQuantity);
const resourceWords = `quantities such as "500m" or "512Mi" for ${resourceNames.join(", ")}`;
const requestWords = `${resourceWords}; cpu and memory at least`;

const environment: readonly FieldRule[] = [
  optional("spec.containers[].env", list(0, 256), "a list of at most 256", document),
  // Where it is no object, it is most often a text such as PASSWORD=…
  secret(required("spec.containers[].env[]", anObject, "an object with a name and a value", document)),
  required(
    "spec.containers[].env[].name",
    text(/^[a-zA-Z][a-zA-Z0-9._-]{0,30}[a-zA-Z0-9]$/),
    "2 to 32 characters of a-z A-Z 0-9 . _ -, the first a letter, the last a letter or digit",
    "Pod Update; decisions.md 29",
  ),
  // What does not pass here is most often a password.
  secret(
    required(
      "spec.containers[].env[].value",
      text(/^[a-zA-Z0-9 _./:-]{1,512}$/),
      "1 to 512 characters of a-z A-Z 0-9 space _ . / : -; put other text into a file of the image or of a volume",
      document,
    ),
  ),
  ...allForbidden("spec.containers[].env[]", ["valueFrom"], reference).map(secret),
];

const ports: readonly FieldRule[] = [
  optional("spec.containers[].ports", list(0, 16), "a list of at most 16", document),
  required("spec.containers[].ports[]", anObject, "an object with containerPort, hostPort, protocol, hostIP", document),
  required("spec.containers[].ports[].containerPort", whole(1, 65_535), "a whole number from 1 to 65535", document),
  required("spec.containers[].ports[].hostPort", whole(1024, 65_535), "a whole number from 1024 to 65535", document),
  required("spec.containers[].ports[].protocol", v.picklist(["TCP", "UDP"]), "TCP or UDP", document),
  required(
    "spec.containers[].ports[].hostIP",
    hostAddress,
    "an IPv4 address of this device, neither 0.0.0.0 nor broadcast, multicast or link-local",
    "Pod Update; decisions.md 15",
  ),
  optional(
    "spec.containers[].ports[].name",
    text(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/),
    "at most 32 characters of a-z 0-9 -, first and last no '-'",
    reference,
  ),
];

const mounts: readonly FieldRule[] = [
  optional("spec.containers[].volumeMounts", list(0, 256), "a list of at most 256", document),
  required("spec.containers[].volumeMounts[]", anObject, "an object with mountPath, name, readOnly", document),
  required("spec.containers[].volumeMounts[].mountPath", aPath, pathWords, document),
  required(
    "spec.containers[].volumeMounts[].name",
    text(volumeNamePattern),
    "1 to 63 characters of a-z A-Z 0-9 -",
    document,
  ),
  optional("spec.containers[].volumeMounts[].readOnly", v.boolean(), "true", document),
  ...allForbidden(
    "spec.containers[].volumeMounts[]",
    ["subPath", "subPathExpr", "mountPropagation", "recursiveReadOnly"],
    reference,
  ),
];

function words(name: string, pattern: RegExp, characters: string): readonly FieldRule[] {
  const expectation = `at most 256 characters of ${characters}, the last a letter or digit; put a shell line into a script of the image`;
  return [
    optional(`spec.containers[].${name}`, list(0, 16), "a list of at most 16", reference),
    // An empty word is one: `command: [""]` is legal.
    optional(`spec.containers[].${name}[]`, text(pattern), expectation, reference),
  ];
}

/** Rules of one container, each field by itself. */
export const containerRules: readonly FieldRule[] = [
  essential("spec.containers", list(1, 10), "a list of 1 to 10", document),
  essential("spec.containers[]", anObject, "an object that describes a container", document),
  ...environment,
  required(
    "spec.containers[].image",
    text(/^[a-zA-Z0-9:_/.-]{1,288}$/),
    "1 to 288 characters of a-z A-Z 0-9 : _ / . - (no digest)",
    "Pod Update; decisions.md 5",
  ),
  optional(
    "spec.containers[].imagePullPolicy",
    v.picklist(["IfNotPresent", "Always"]),
    "IfNotPresent or Always",
    document,
  ),
  ...probeRules("spec.containers[].livenessProbe"),
  ...probeRules("spec.containers[].readinessProbe"),
  essential(
    "spec.containers[].name",
    text(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/),
    "1 to 32 characters of a-z 0-9 -, first and last no '-'",
    document,
  ),
  ...ports,
  required("spec.containers[].resources", anObject, "an object with requests of cpu and memory", document),
  keyed(optional("spec.containers[].resources.limits", resourceList, resourceWords, document), resourceNames),
  keyed(required("spec.containers[].resources.requests", resourceList, requestWords, document), resourceNames),
  forbiddenBut("spec.containers[].resources.claims", [], "decisions.md 3"),
  ...securityRules,
  optional(
    "spec.containers[].terminationMessagePath",
    v.literal("/dev/termination-log"),
    "/dev/termination-log",
    document,
  ),
  optional("spec.containers[].terminationMessagePolicy", v.literal("File"), "File", document),
  ...mounts,
  ...words("command", /^(?:[a-zA-Z0-9 _./-]{0,255}[a-zA-Z0-9])?$/, "a-z A-Z 0-9 space _ . / -"),
  ...words("args", /^(?:[a-zA-Z0-9 =_./-]{0,255}[a-zA-Z0-9])?$/, "a-z A-Z 0-9 space = _ . / -"),
  ...["envFrom", "volumeDevices", "resizePolicy"].map((name) =>
    forbiddenBut(`spec.containers[].${name}`, [], reference),
  ),
  ...["stdin", "stdinOnce", "tty"].map((name) => forbiddenBut(`spec.containers[].${name}`, false, reference)),
  ...allForbidden("spec.containers[]", ["workingDir", "lifecycle", "startupProbe", "restartPolicy"], reference),
];
