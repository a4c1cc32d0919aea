import type { DesiredPod, TerminatingPod } from "../../core/pod/desired.ts";
import type { AcceptedPod } from "../../core/pod/spec.ts";
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
  const { spec, id } = pod;
  const metadata = { ...pod.metadata, ...originMark(pod) };
  return { uid: id.uid, entry: { Name: id.name, UID: metadata.uid ?? id.uid, kind: "Pod", metadata, spec } };
}

/**
 * A center sees by it that a pod is not its own: `file` for a factory pod, as the kubelet marks its static pods (Kubernetes:
 * kubernetes.io/config.source), `local` for one that was applied on the device.
 */
function originMark({ origin }: AcceptedPod): { readonly annotations?: Readonly<Record<string, string>> } {
  if (origin === undefined) return {};
  return { annotations: { "kubernetes.io/config.source": origin.kind === "factory" ? "file" : "local" } };
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
      entry: {
        Name: id.name,
        UID: metadata.uid ?? id.uid,
        kind: "Pod",
        metadata: { ...metadata, ...originMark(terminatingPod.pod), ...marks },
        spec,
      },
    },
  ];
}
