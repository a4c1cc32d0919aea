import type { DesiredPod, TerminatingPod } from "../../core/pod/desired.ts";
import { knownPodIds, stillTerminating } from "../../core/pod/known-pods.ts";
import { allHolders, type NpuHolder, type NpuInventory, npuCount, settleNpus } from "../../core/pod/npu.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { ContainerSpec, PodId } from "../../core/pod/spec.ts";
import { mayOpen } from "../../core/pod/user.ts";
import type { DeviceNode, NodeAccess, NodeDevice } from "../../ports/node-device.ts";
import type { Store } from "../../ports/store.ts";

/** The pods of one name, and what a list showed: of them, and of all. */
export interface NpuSituation {
  readonly desired: DesiredPod | null;
  readonly terminating: readonly TerminatingPod[];
  readonly observed: readonly ObservedContainer[];
  readonly seen: readonly ObservedContainer[];
}

const none: NpuInventory = { present: [], missing: null, holders: [] };

/** Who holds which NPU by the records, and by what a list showed. */
export interface NpuReading {
  readonly recorded: readonly NpuHolder[];
  readonly settled: readonly NpuHolder[];
  /** What a container that is about to be made may choose from. */
  readonly inventory: NpuInventory;
}

/** Compares the records of who holds which NPU with what a list shows. */
export function readNpus(
  { store, device }: { readonly store: Store; readonly device: NodeDevice },
  { desired, terminating, observed, seen }: NpuSituation,
): NpuReading {
  const recorded = store.npus.holders();
  const settled = settleNpus({ desired, terminating, observed, recorded });
  // The pod that is to be replaced is still restarted while the new one's images are on their way.
  const pods = [desired?.pod, ...terminating.map(({ pod }) => pod)];
  const needsNpus = pods.some((pod) => pod?.spec.containers.some((spec) => npuCount(spec) > 0));
  if (!needsNpus) return { recorded, settled, inventory: none };
  const { npus, missing } = device.npus();
  const known = knownPodIds(store.desiredPods.list(), stillTerminating(store.terminatingPods.list()));
  const holders = allHolders(settled.toSorted(byName), seen, new Set(known.map(({ uid }) => uid)));
  return { recorded, settled, inventory: { present: npus.map(({ name }) => name), missing, holders } };
}

function byName(holder: NpuHolder, other: NpuHolder): number {
  return holder.npu < other.npu ? -1 : 1;
}

/** Saves what has changed; true when anything has. Stands in the caller's transaction. */
export function saveNpus(store: Store, { recorded, settled }: NpuReading): boolean {
  const key = ({ npu, pod, container }: NpuHolder): string => `${npu} ${pod.uid} ${container}`;
  const before = new Set(recorded.map(key));
  const after = new Set(settled.map(key));
  const different = [
    ...recorded.filter((holder) => !after.has(key(holder))),
    ...settled.filter((holder) => !before.has(key(holder))),
  ];
  for (const { pod, container } of different) store.npus.put(pod, container, namesOf(settled, pod.uid, container));
  return different.length > 0;
}

function namesOf(holders: readonly NpuHolder[], uid: string, container: string): readonly string[] {
  return holders.flatMap((holder) => (holder.pod.uid === uid && holder.container === container ? [holder.npu] : []));
}

/** Takes back all that a pod held. Stands in the caller's transaction. */
export function freeNpus(store: Store, pod: PodId): void {
  const containers = store.npus.holders().flatMap((holder) => (holder.pod.uid === pod.uid ? [holder.container] : []));
  for (const container of new Set(containers)) store.npus.put(pod, container, []);
}

/**
 * The device nodes of a container by what is recorded for it; a sentence when one of them is not there, or when its user
 * may not open one that every program with an NPU opens.
 * @param user Docker's `User` of the container
 */
export function devicesOf(
  { store, device }: { readonly store: Pick<Store, "npus">; readonly device: Pick<NodeDevice, "npus"> },
  { uid, user }: { readonly uid: string; readonly user: string },
  spec: ContainerSpec,
): readonly DeviceNode[] | string {
  const wanted = npuCount(spec);
  if (wanted === 0) return [];
  const names = namesOf(store.npus.holders(), uid, spec.name);
  if (names.length < wanted) return `It needs ${wanted} NPUs, and ${names.length} are recorded for it`;
  const { npus, shared, missing, managerAccess } = device.npus();
  if (missing !== null) return `It needs an NPU, and ${missing} is not there`;
  if (managerAccess !== undefined && !mayOpen(user, managerAccess))
    return closedNode("davinci_manager", managerAccess, user);
  const nodes: DeviceNode[] = [];
  for (const name of names) {
    const found = npus.find((npu) => npu.name === name);
    if (found === undefined) return `${name}, which it holds, is not there`;
    if (found.access !== undefined && !mayOpen(user, found.access)) return closedNode(name, found.access, user);
    nodes.push(found.node);
  }
  return [...nodes, ...shared];
}

function closedNode(name: string, { uid, gid, mode }: NodeAccess, user: string): string {
  const owner = `owner ${uid}:${gid}, mode 0${mode.toString(8)}`;
  const todo = gid === 0 ? "Give the node a group of its own" : `Set runAsGroup ${gid} in the pod`;
  return `User ${user} may not open the device node ${name} (${owner}). ${todo}, or change the mode of the node`;
}
