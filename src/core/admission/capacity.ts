import { formatBinary, formatNanos, nanosOf } from "../pod/quantity.ts";
import type { PodDraft, PortDraft } from "./draft.ts";
import type { Path } from "./findings.ts";
import { uidOf } from "./identity.ts";
import type { NodeFacts, NodePod } from "./node-facts.ts";
import { leastMemoryLimit, usageOf } from "./resources.ts";
import { eachContainer, type Relation } from "./rules/relation.ts";

/** Where a pod without a namespace lives: lifecycle.md, Identity. */
export const defaultNamespace = "websocket";

/** Of a pod's metadata; without one it lives in {@link defaultNamespace}. */
export function namespaceOf(pod: { readonly namespace?: string } | undefined): string {
  return pod?.namespace ?? defaultNamespace;
}

/** Stored pods without the earlier version of this one (decisions.md 21: an update replaces that version). */
export function otherPods(pod: PodDraft, node: NodeFacts): readonly NodePod[] {
  const namespace = namespaceOf(pod.metadata);
  return node.pods.filter(
    ({ metadata }) => metadata.name !== pod.metadata?.name || namespaceOf(metadata) !== namespace,
  );
}

/** The stored pod of a namespace and name. */
export function storedPod(node: NodeFacts, namespace: string, name: string): NodePod | undefined {
  return node.pods.find(({ metadata }) => metadata.name === name && namespaceOf(metadata) === namespace);
}

const leastMemory = nanosOf(leastMemoryLimit);

/** What the containers of a pod take of a resource, in nano-units. */
function usage(containers: readonly { readonly resources?: Parameters<typeof usageOf>[0] }[], name: string): bigint {
  let sum = 0n;
  for (const { resources } of containers) {
    const amount = usageOf(resources, name);
    sum += name === "memory" && amount < leastMemory ? leastMemory : amount;
  }
  return sum;
}

function allocatable(node: NodeFacts, name: string): bigint {
  let sum = 0n;
  for (const [key, amount] of Object.entries(node.allocatable)) {
    if (key === name || (name === "npu" && key.startsWith("huawei.com/"))) sum += nanosOf(amount);
  }
  return sum;
}

function amountText(nanos: bigint, name: string): string {
  return name === "memory" && nanos % 1_000_000_000n === 0n ? formatBinary(nanos / 1_000_000_000n) : formatNanos(nanos);
}

const quotaNames = { cpu: "CPU", memory: "memory", npu: "NPUs" } as const;

function quota(name: "cpu" | "memory" | "npu"): Relation {
  return {
    id: `capacity.${name}`,
    path: "spec.containers",
    expectation: `no more ${name} in all pods together than the device has for pods`,
    source: "decisions.md 21",
    check: (pod, { node }, report) => {
      const containers = pod.spec?.containers ?? [];
      const wanted = usage(containers, name);
      if (wanted === 0n) return;
      const total = allocatable(node, name);
      const taken = otherPods(pod, node).reduce((sum, { spec }) => sum + usage(spec.containers, name), 0n);
      if (wanted + taken <= total) return;
      const free = total > taken ? total - taken : 0n;
      const needs = amountText(wanted, name);
      const has = amountText(free, name);
      const sentence = `not enough ${quotaNames[name]}: the pod needs ${needs}, ${has} is free`;
      report(["spec", "containers"], containers, { sentence });
    },
  };
}

const containerCount: Relation = {
  id: "capacity.maxContainerNumber",
  path: "spec.containers",
  expectation: "no more containers in all pods together than the policy's maxContainerNumber",
  source: "protocol.md §2.7",
  check: (pod, { node, policy }, report) => {
    const containers = pod.spec?.containers ?? [];
    const others = otherPods(pod, node).reduce((sum, { spec }) => sum + spec.containers.length, 0);
    if (others + containers.length <= policy.maxContainerNumber) return;
    const free = Math.max(policy.maxContainerNumber - others, 0);
    const detail = `expected at most ${free}, as other pods have ${others} and the policy allows ${policy.maxContainerNumber}`;
    report(["spec", "containers"], containers, detail);
  },
};

/** Every port of the pod that asks for a place on the host, with its path. */
function eachPort(pod: PodDraft, visit: (port: PortDraft, at: Path) => void): void {
  eachContainer(pod, ({ ports }, at) => {
    ports?.forEach((port, index) => {
      visit(port, [...at, "ports", index]);
    });
  });
}

const hostAddress: Relation = {
  id: "capacity.hostIP",
  path: "spec.containers[].ports[].hostIP",
  expectation: "an address of this device",
  source: "decisions.md 15",
  check: (pod, { node }, report) => {
    eachPort(pod, ({ hostIP }, at) => {
      if (hostIP === undefined || node.addresses.includes(hostIP)) return;
      const known = node.addresses.slice(0, 8).join(", ") || "none is known";
      report([...at, "hostIP"], hostIP, `expected an address of this device: ${known}`);
    });
  },
};

interface HostPort {
  readonly hostPort?: number;
  readonly hostIP?: string;
  readonly protocol?: string;
}

function portKey({ protocol, hostIP, hostPort }: HostPort): string {
  return `${protocol} ${hostIP}:${hostPort}`;
}

/** Who holds which port on the host, by {@link portKey}, over all desired pods of the device. */
function holders(pods: readonly NodePod[]): ReadonlyMap<string, string> {
  const held = new Map<string, string>();
  for (const { metadata, spec } of pods) {
    for (const { ports } of spec.containers)
      for (const port of ports ?? []) held.set(portKey(port), `pod ${metadata.name}`);
  }
  return held;
}

const portInPod: Relation = {
  id: "capacity.hostPort.unique",
  path: "spec.containers[].ports[].hostPort",
  expectation: "a port that no other pod or container uses on the same address",
  source: "decisions.md 14",
  check: (pod, { node }, report) => {
    const seen = new Set<string>();
    const held = holders(otherPods(pod, node));
    eachPort(pod, (port, at) => {
      const { hostPort, hostIP, protocol } = port;
      if (hostPort === undefined || hostIP === undefined || protocol === undefined) return;
      const key = portKey(port);
      const holder = seen.has(key) ? "this pod" : held.get(key);
      seen.add(key);
      if (holder === undefined) return;
      const sentence = `${protocol} port ${hostPort} on ${hostIP} is already used by ${holder}`;
      report([...at, "hostPort"], hostPort, { sentence });
    });
  },
};

/**
 * A port of our own pods belongs to the row above, as their proxies listen on it (decisions.md 14: a taken port would
 * fail only at the start of the container).
 */
const portListening: Relation = {
  id: "capacity.hostPort.listening",
  path: "spec.containers[].ports[].hostPort",
  expectation: "a port on which no other process listens",
  source: "decisions.md 14",
  check: (pod, { node }, report) => {
    if (!pod.spec?.containers?.some(({ ports = [] }) => ports.length > 0)) return;
    const ours = new Set<string>();
    for (const { spec } of node.pods) {
      for (const { ports } of spec.containers)
        for (const port of ports ?? []) ours.add(`${port.protocol} ${port.hostPort}`);
    }
    const busy = { TCP: new Set(node.listening.tcp), UDP: new Set(node.listening.udp) };
    eachPort(pod, ({ hostPort, protocol }, at) => {
      if (hostPort === undefined || protocol === undefined) return;
      if (!busy[protocol].has(hostPort) || ours.has(`${protocol} ${hostPort}`)) return;
      const user = node.portUser?.(protocol, hostPort) ?? "another process";
      const sentence = `${protocol} port ${hostPort} is already used by ${user}`;
      report([...at, "hostPort"], hostPort, { sentence });
    });
  },
};

const digits = /^[0-9]+$/;

const stale: Relation = {
  id: "continuity.resourceVersion",
  path: "metadata.resourceVersion",
  expectation: "no older version than the stored one",
  source: "decisions.md 37",
  check: (pod, { node, asker }, report) => {
    // Somebody who stands beside the device may go back.
    if (asker !== undefined && asker.origin.kind !== "center") return;
    const { name, namespace, resourceVersion } = pod.metadata ?? {};
    if (name === undefined || resourceVersion === undefined || !digits.test(resourceVersion)) return;
    const stored = storedPod(node, namespaceOf({ ...(namespace === undefined ? {} : { namespace }) }), name)?.metadata;
    if (stored?.resourceVersion === undefined || !digits.test(stored.resourceVersion)) return;
    const sameUid = stored.uid === undefined || stored.uid === "" || stored.uid === uidOf(pod.metadata ?? {});
    if (!sameUid || BigInt(resourceVersion) >= BigInt(stored.resourceVersion)) return;
    const detail = `expected ${stored.resourceVersion} or newer, which is what this device has`;
    report(["metadata", "resourceVersion"], resourceVersion, detail);
  },
};

const uidTaken: Relation = {
  id: "continuity.uid",
  path: "metadata.uid",
  expectation: "a uid that no other pod of the device has",
  source: "lifecycle.md, Identity",
  check: (pod, { node, asker }, report) => {
    // The uid in the file of a local pod does not count.
    if (pod.metadata?.name === undefined || asker?.origin.kind === "local") return;
    const uid = uidOf(pod.metadata);
    const holder = otherPods(pod, node).find(({ metadata }) => metadata.uid !== undefined && metadata.uid === uid);
    if (holder === undefined) return;
    report(["metadata", "uid"], uid, `expected a uid of its own, and ${holder.metadata.name} has this one`);
  },
};

const nameTaken: Relation = {
  id: "continuity.name",
  path: "metadata.name",
  expectation: "a name that no pod of another namespace has",
  source: "lifecycle.md, Identity",
  check: (pod, { node }, report) => {
    const name = pod.metadata?.name;
    const holder = otherPods(pod, node).find(({ metadata }) => metadata.name === name);
    if (holder === undefined) return;
    const namespace = namespaceOf(holder.metadata);
    report(["metadata", "name"], name, `expected a name of its own, and a pod in namespace ${namespace} has this one`);
  },
};

/** Does it fit the device: judged over desired pods, not over what runs (lifecycle.md, Admission counts intent). */
export const capacityRules: readonly Relation[] = [
  nameTaken,
  uidTaken,
  stale,
  containerCount,
  quota("cpu"),
  quota("memory"),
  quota("npu"),
  hostAddress,
  portInPod,
  portListening,
];
