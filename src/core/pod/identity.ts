import { hash as digest } from "node:crypto";
import type { ContainerSpec, PodHashes, PodId, PodSpec, RestartPolicy, Volume } from "./spec.ts";

/** Container name of a pod's sandbox, as in the kubelet's docker names. Upper case, so no pod can have a container of it. */
export const sandboxName = "POD";

/** What a container's name says: enough to find its pod, not what it was made from. */
export interface ContainerName {
  readonly container: string;
  readonly pod: PodId;
  readonly attempt: number;
}

/** Everything that a container of a pod says of itself, by name and labels together. */
export interface ContainerIdentity extends ContainerName {
  readonly installId: string;
  readonly generation: number;
  readonly podHash: string;
  readonly specHash: string;
  readonly restartPolicy: RestartPolicy;
}

const label = {
  podName: "io.kubernetes.pod.name",
  podNamespace: "io.kubernetes.pod.namespace",
  podUid: "io.kubernetes.pod.uid",
  containerName: "io.kubernetes.container.name",
  install: "edge.install",
  podHash: "edge.pod-hash",
  specHash: "edge.spec-hash",
  attempt: "edge.attempt",
  generation: "edge.generation",
  restartPolicy: "edge.restart-policy",
} as const;

/** The label every container of ours has: what an engine may filter by before names are looked at. */
export const installLabel = label.install;

const namePart = /^[A-Za-z0-9][A-Za-z0-9.-]*$/;
const count = /^(?:0|[1-9][0-9]{0,8})$/;
const hash = /^[0-9a-f]{16}$/;
const restartPolicies: readonly string[] = ["Always", "OnFailure", "Never"] satisfies readonly RestartPolicy[];

/** `edge_<container>_<pod>_<namespace>_<uid>_<attempt>`, the kubelet's `k8s_…` scheme: no part may hold an underscore. */
export function containerName({ container, pod, attempt }: ContainerName): string {
  return `edge_${container}_${pod.name}_${pod.namespace}_${pod.uid}_${attempt}`;
}

/** Back from a name, with or without Docker's leading slash; null when it is not one of ours. */
export function parseContainerName(text: string): ContainerName | null {
  const parts = text.replace(/^\//, "").split("_");
  const [prefix, container = "", name = "", namespace = "", uid = "", attempt = ""] = parts;
  if (parts.length !== 6 || prefix !== "edge" || !count.test(attempt)) return null;
  if (![container, name, namespace, uid].every((part) => namePart.test(part))) return null;
  return { container, pod: { namespace, name, uid }, attempt: Number(attempt) };
}

/** The labels of contracts.md, "On the engine". */
export function containerLabels(identity: ContainerIdentity): Readonly<Record<string, string>> {
  return {
    [label.podName]: identity.pod.name,
    [label.podNamespace]: identity.pod.namespace,
    [label.podUid]: identity.pod.uid,
    [label.containerName]: identity.container,
    [label.install]: identity.installId,
    [label.podHash]: identity.podHash,
    [label.specHash]: identity.specHash,
    [label.attempt]: String(identity.attempt),
    [label.generation]: String(identity.generation),
    [label.restartPolicy]: identity.restartPolicy,
  };
}

/**
 * Whose container this is, null unless name and labels are whole and say the same: an image's labels are merged into its
 * containers, so labels alone could be anybody's. Whether the install id is this device's is for the caller to see.
 */
export function parseIdentity(
  name: string,
  labels: Readonly<Record<string, string | undefined>>,
): ContainerIdentity | null {
  const named = parseContainerName(name);
  if (named === null) return null;
  const agrees =
    labels[label.podName] === named.pod.name &&
    labels[label.podNamespace] === named.pod.namespace &&
    labels[label.podUid] === named.pod.uid &&
    labels[label.containerName] === named.container &&
    labels[label.attempt] === String(named.attempt);
  const installId = labels[label.install] ?? "";
  const podHash = labels[label.podHash] ?? "";
  const specHash = labels[label.specHash] ?? "";
  const generation = labels[label.generation] ?? "";
  const restartPolicy = labels[label.restartPolicy] ?? "";
  if (!agrees || installId === "" || !hash.test(podHash) || !hash.test(specHash) || !count.test(generation))
    return null;
  if (!isRestartPolicy(restartPolicy)) return null;
  return { ...named, installId, generation: Number(generation), podHash, specHash, restartPolicy };
}

/**
 * Whose container its labels say it is, whatever it is called: somebody may have renamed it. That the labels are its own and
 * not its image's is for the caller to see.
 */
export function labelledIdentity(labels: Readonly<Record<string, string | undefined>>): ContainerIdentity | null {
  const parts = [label.containerName, label.podName, label.podNamespace, label.podUid, label.attempt];
  return parseIdentity(["edge", ...parts.map((key) => labels[key] ?? "")].join("_"), labels);
}

/** Whether the pod's containers share a sandbox: a pod of one container needs none (lifecycle.md, Two hashes). */
export function hasSandbox(spec: Pick<PodSpec, "containers">): boolean {
  return spec.containers.length > 1;
}

/** Changes when the whole pod must be replaced: what a sandbox, or the lone container in its place, is made from. */
export function podHash(spec: PodSpec): string {
  return hashOf({
    sandbox: hasSandbox(spec),
    ports: spec.containers.map((container) => container.ports ?? []),
    hostNetwork: spec.hostNetwork ?? false,
    hostPID: spec.hostPID ?? false,
    hostname: spec.hostname ?? "",
  });
}

/**
 * Changes when this one container must be replaced: all of it and where its volumes come from, but its ports only
 * where no sandbox has them. The image is in it by name: a tag that moves replaces nothing.
 */
export function specHash(container: ContainerSpec, spec: PodSpec): string {
  const mounted = new Set((container.volumeMounts ?? []).map((mount) => mount.name));
  const volumes = new Map<string, Omit<Volume, "name">>();
  for (const { name, ...source } of spec.volumes ?? []) if (mounted.has(name)) volumes.set(name, source);
  const { ports, ...rest } = container;
  return hashOf({
    container: hasSandbox(spec) ? rest : { ...rest, ports: ports ?? [] },
    volumes: Object.fromEntries(volumes),
  });
}

/** Both kinds, of a whole pod. */
export function podHashes(spec: PodSpec): PodHashes {
  const containers = spec.containers.map((container) => [container.name, specHash(container, spec)]);
  return { pod: podHash(spec), containers: Object.fromEntries(containers) };
}

/** JSON with sorted keys and without what is undefined, so that the same value always gives the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? "null";
}

/**
 * The same value, in copies where needed, with its keys in order: one call then writes the whole text, as a call for each value
 * costs more.
 */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries: [string, unknown][] = Object.entries(value);
  let before = "";
  let isSorted = true;
  for (const entry of entries) {
    const key = entry[0];
    const item = sorted(entry[1]);
    if (key < before || item !== entry[1]) isSorted = false;
    entry[1] = item;
    before = key;
  }
  if (isSorted) return value;
  entries.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  const copy = Object.fromEntries(entries);
  // An object gives keys that are numbers before all others and by their value; a text such as "10" comes before "9".
  const hasNumber = (entries[0]?.[0] ?? ":") < ":";
  return hasNumber ? new Proxy(copy, { ownKeys: () => entries.map(([key]) => key) }) : copy;
}

function hashOf(value: unknown): string {
  return digest("sha256", canonicalJson(value)).slice(0, 16);
}

function isRestartPolicy(text: string): text is RestartPolicy {
  return restartPolicies.includes(text);
}
