import type { NodeFacts, NodePod } from "../../core/admission/node-facts.ts";
import { hostPortKey, type ObservedContainer } from "../../core/pod/observed.ts";
import type { AcceptedPod } from "../../core/pod/spec.ts";
import type { NodeDevice } from "../../ports/node-device.ts";
import type { StoreReader } from "../../ports/store.ts";
import { installIdOf } from "../engine/install-id.ts";

type DeviceFacts = ReturnType<NodeDevice["nodeFacts"]>;

export interface NodeNowSources {
  readonly store: Pick<StoreReader, "getMeta" | "desiredPods" | "terminatingPods" | "configMaps">;
  readonly facts: DeviceFacts;
  /** Containers of pods as the engine last listed them; null while it has not. */
  readonly listed: readonly ObservedContainer[] | null;
}

/** What admission is to know of this device now: its facts, and the intent it has taken on so far. Only reads. */
export function nodeNow(sources: NodeNowSources): NodeFacts {
  const { store, facts } = sources;
  // Read now: `edge validate` closes the store before a pod asks for the ports.
  const installId = installIdOf(store);
  const desired = store.desiredPods.list().map((desiredPod) => desiredPod.pod);
  const terminating = store.terminatingPods
    .list()
    .flatMap((terminatingPod) => (terminatingPod.pod === null ? [] : [terminatingPod.pod]));
  const pods = desired.map(
    (pod): NodePod => ({
      metadata: { ...pod.id, ...version(pod.metadata.resourceVersion) },
      spec: pod.spec,
      ...ownerOf(pod),
    }),
  );
  const { allocatable, portUser } = facts;
  return {
    allocatable,
    get addresses() {
      return facts.addresses;
    },
    ...(portUser === undefined ? {} : { portUser }),
    /** Worked out when a pod with a port of the host asks. */
    get listening() {
      return ofOthers(sources, installId, [...desired, ...terminating]);
    },
    pods,
    configMaps: store.configMaps.names(),
  };
}

/**
 * Ports on which somebody else listens. Containers of ours may have some although no row knows them, after the data
 * folder was lost; until the engine has listed them nobody can tell, and execution finds out (lifecycle.md, Admission
 * counts intent).
 */
function ofOthers(
  { facts, listed }: NodeNowSources,
  installId: string | null,
  pods: readonly AcceptedPod[],
): DeviceFacts["listening"] {
  if (listed === null) return { tcp: [], udp: [] };
  const { listening } = facts;
  const ofRows = pods.flatMap((pod) => pod.spec.containers.flatMap(({ ports }) => ports ?? []));
  const ours = new Set([
    ...ofRows.map(({ protocol, hostPort }) => hostPortKey(protocol, hostPort)),
    ...listed.filter((container) => container.installId === installId).flatMap(({ hostPorts }) => hostPorts ?? []),
  ]);
  return {
    tcp: listening.tcp.filter((port) => !ours.has(hostPortKey("TCP", port))),
    udp: listening.udp.filter((port) => !ours.has(hostPortKey("UDP", port))),
  };
}

function ownerOf({ origin }: AcceptedPod): Pick<NodePod, "origin"> {
  return origin === undefined ? {} : { origin };
}

function version(resourceVersion: string | undefined): { readonly resourceVersion?: string } {
  return resourceVersion === undefined ? {} : { resourceVersion };
}
