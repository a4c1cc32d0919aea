import type { DesiredPod, TerminatingPod } from "../../core/pod/desired.ts";
import type { PodStatusEntry } from "../../core/protocol/replies.ts";
import type { StoreReader } from "../../ports/store.ts";

/** Every pod known here, with its metadata, its spec as enforced and its status: the Pod Status document. */
export function podEntries(
  store: Pick<StoreReader, "desiredPods" | "terminatingPods" | "statuses">,
): readonly PodStatusEntry[] {
  const statuses = new Map(store.statuses.list().map((stored) => [stored.id.uid, stored.status]));
  const desired = store.desiredPods.list();
  const all = [
    ...desired.map(desiredEntry),
    ...store.terminatingPods.list().flatMap((terminatingPod) => terminatingEntry(terminatingPod, desired)),
  ];
  return all.map(({ uid, entry }) => ({ ...entry, status: statuses.get(uid) ?? {} }));
}

interface Entry {
  readonly uid: string;
  readonly entry: Omit<PodStatusEntry, "status">;
}

function desiredEntry({ pod }: DesiredPod): Entry {
  const { metadata, spec, id } = pod;
  return { uid: id.uid, entry: { Name: id.name, UID: metadata.uid ?? id.uid, kind: "Pod", metadata, spec } };
}

function terminatingEntry(terminatingPod: TerminatingPod, desired: readonly DesiredPod[]): readonly Entry[] {
  if (terminatingPod.pod === null || desired.some(({ pod }) => pod.id.uid === terminatingPod.id.uid)) return [];
  const { metadata, spec, id } = terminatingPod.pod;
  const marks =
    terminatingPod.kind === "deleted"
      ? { deletionTimestamp: terminatingPod.deletionTimestamp, deletionGracePeriodSeconds: terminatingPod.graceSeconds }
      : {};
  return [
    {
      uid: id.uid,
      entry: { Name: id.name, UID: metadata.uid ?? id.uid, kind: "Pod", metadata: { ...metadata, ...marks }, spec },
    },
  ];
}
