import type { DesiredPod, TerminatingPod } from "./desired.ts";
import { hasEnded, type ObservedContainer } from "./observed.ts";
import { parseQuantity } from "./quantity.ts";
import { type ContainerSpec, type PodId, podKey } from "./spec.ts";

/** A container that has an NPU for itself. NPUs go by the name of their device node: "davinci0". */
export interface NpuHolder {
  readonly npu: string;
  readonly pod: PodId;
  readonly container: string;
}

/** The NPUs of this device as a pod finds them that needs some. */
export interface NpuInventory {
  /** Those whose node is there, lowest number first. */
  readonly present: readonly string[];
  /** A node that every container with an NPU needs and that is not there, by path; null when none is missing. */
  readonly missing: string | null;
  /** Recorded, or shown by a container. */
  readonly holders: readonly NpuHolder[];
}

export type NpuChoice =
  | { readonly ok: true; readonly npus: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** A node's name is that of an NPU. */
export const npuNode = /^davinci(\d{1,4})$/;
const nano = 1_000_000_000n;
/** Of holders in a sentence. */
const mostNamed = 8;

/** "npu", "huawei.com/Ascend310" and the device's own name mean the same NPUs (decisions.md 4: centers send either of the two). */
export function isNpu(resource: string): boolean {
  return resource === "npu" || resource.startsWith("huawei.com/");
}

/** How many NPUs a container gets. Admission lets only whole ones pass; a limit is never below its request. */
export function npuCount({ resources }: Pick<ContainerSpec, "resources">): number {
  let nanos = 0n;
  for (const [name, amount] of Object.entries(resources.limits)) if (isNpu(name)) nanos += parseQuantity(amount) ?? 0n;
  return Number(nanos / nano);
}

/** By number, as people count them: davinci2 comes before davinci10. */
export function byNumber(a: string, b: string): number {
  return Number(npuNode.exec(a)?.[1]) - Number(npuNode.exec(b)?.[1]);
}

/**
 * Whole NPUs for one container that is about to be made: those it had before, then the lowest that nobody holds. None at
 * all where there are too few: the sentence says who has them.
 */
export function chooseNpus(wanted: number, holder: Omit<NpuHolder, "npu">, stock: NpuInventory): NpuChoice {
  if (wanted === 0) return { ok: true, npus: [] };
  const needs = `It needs ${wanted === 1 ? "an NPU" : `${wanted} NPUs`}`;
  if (stock.missing !== null) return { ok: false, message: `${needs}, and ${stock.missing} is not there` };
  const mine = (candidate: NpuHolder): boolean => isSame(candidate, holder);
  const others = stock.holders.filter((holder) => !mine(holder));
  const taken = new Set(others.map(({ npu }) => npu));
  const had = new Set(stock.holders.filter(mine).map(({ npu }) => npu));
  const free = stock.present.filter((npu) => !taken.has(npu));
  const inOrder = [...free.filter((npu) => had.has(npu)), ...free.filter((npu) => !had.has(npu))];
  if (inOrder.length >= wanted) return { ok: true, npus: inOrder.slice(0, wanted).sort(byNumber) };
  const gone = [...had].filter((npu) => !stock.present.includes(npu)).map((npu) => `${npu} is not there any more`);
  const held = others.filter(({ npu }) => stock.present.includes(npu)).map(heldBy);
  const why = [...new Set([...gone, ...held])].slice(0, mostNamed);
  const rest = why.length === 0 ? `the device has ${stock.present.length}` : why.join(", ");
  return { ok: false, message: `${needs}, and ${free.length === 0 ? "none" : free.length} is free: ${rest}` };
}

function heldBy({ npu, pod, container }: NpuHolder): string {
  return `${npu} is held by ${podKey(pod)}/${container}`;
}

function isSame(holder: Omit<NpuHolder, "npu">, other: Omit<NpuHolder, "npu">): boolean {
  return holder.pod.uid === other.pod.uid && holder.container === other.container;
}

/** What is known of the pods of one name when their NPUs are looked at. */
export interface NpuSituation {
  readonly desired: DesiredPod | null;
  /** Those that are not gone yet. */
  readonly terminating: readonly TerminatingPod[];
  /** Their own containers, from a list that began after all that was done for them. */
  readonly observed: readonly ObservedContainer[];
  /** Of every pod. */
  readonly recorded: readonly NpuHolder[];
}

/**
 * Who holds what from now on; other pods' records are none of this one's business. A container that may run says itself
 * what it holds: what no record says (a lost database) is taken up, what only the record says (a power cut took the last
 * one back) is let go of. Without one the record stays while it is wanted with an NPU. Both are facts of a list: nothing
 * is freed because somebody wants it to be.
 */
export function settleNpus({ desired, terminating, observed, recorded }: NpuSituation): readonly NpuHolder[] {
  const uids = new Set([desired?.pod.id.uid, ...terminating.map(({ id }) => id.uid)]);
  const live = observed.filter((container) => uids.has(container.pod.uid) && mayRun(container));
  const shown = live.flatMap(heldIn);
  const wants = ({ pod, container }: NpuHolder): boolean => {
    if (pod.uid !== desired?.pod.id.uid) return false;
    if (live.some((candidate) => candidate.pod.uid === pod.uid && candidate.container === container)) return false;
    const spec = desired.pod.spec.containers.find(({ name }) => name === container);
    return spec !== undefined && npuCount(spec) > 0;
  };
  const kept = recorded.filter(
    (holder) =>
      !uids.has(holder.pod.uid) ||
      wants(holder) ||
      terminating.some(({ id }) => id.uid === holder.pod.uid) ||
      shown.some((other) => other.npu === holder.npu && isSame(holder, other)),
  );
  const known = new Set(recorded.map(({ npu }) => npu));
  const found = shown.filter(({ npu }) => !known.has(npu) && known.add(npu));
  return [...kept, ...found];
}

/** Every NPU that is held: as recorded, and as containers of whatever install show it. */
export function allHolders(
  recorded: readonly NpuHolder[],
  seen: readonly ObservedContainer[],
  managed: ReadonlySet<string>,
): readonly NpuHolder[] {
  // One of a pod that nobody here knows is started again in place: it holds what it has while it is dead, too.
  const holds = (container: ObservedContainer): boolean =>
    mayRun(container) || (!managed.has(container.pod.uid) && container.restartPolicy !== "Never");
  const shown = seen.filter(holds).flatMap(heldIn);
  const extra = shown.filter((holder) => !recorded.some((other) => other.npu === holder.npu && isSame(holder, other)));
  return [...recorded, ...extra];
}

/** A container that has ended is never started again in place: it holds nothing. */
function mayRun(container: ObservedContainer): boolean {
  return !hasEnded(container);
}

function heldIn({ npus, pod, container }: ObservedContainer): readonly NpuHolder[] {
  return (npus ?? []).map((npu) => ({ npu, pod, container }));
}
