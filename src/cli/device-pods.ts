import { momentOf } from "../agent/loop/moment.ts";
import { podEntries } from "../agent/uplink/pod-entries.ts";
import type { Config } from "../core/config/config.ts";
import type { PodHistory } from "../core/pod/container-history.ts";
import { stillTerminating } from "../core/pod/known-pods.ts";
import type { AcceptedPod } from "../core/pod/spec.ts";
import type { PodStatusEntry } from "../core/protocol/replies.ts";
import type { PodRow } from "../core/status-document.ts";
import { linuxClock } from "../linux/clock.ts";
import type { StoreReader } from "../ports/store.ts";
import { publishedStatus, workedOutStatus } from "./device-status.ts";
import { livePods, type StoredFacts } from "./seen-pods.ts";

/** A pod in the store; its status is as the store last had it. */
export interface DevicePod extends PodStatusEntry {
  readonly metadata: AcceptedPod["metadata"] & { readonly deletionTimestamp?: string };
  readonly spec: AcceptedPod["spec"];
}

/** Every pod of this device, with those on their way out. */
export function devicePods(store: StoreReader): readonly DevicePod[] {
  return podEntries({ ...store, terminatingPods: { list: () => stillTerminating(store.terminatingPods.list()) } }).map(
    (entry) => entry as DevicePod,
  );
}

/** What the pods do now. */
export interface LookedAtPods {
  readonly rows: readonly PodRow[];
  /** By uid: what the rows are of. */
  readonly statuses: ReadonlyMap<string, unknown>;
  readonly historyOf: (uid: string) => PodHistory;
}

/** Row, conditions and containers come from one source: the store while an agent is live, else the engine and the store. */
export async function lookAtPods(config: Config, stored: StoredFacts): Promise<LookedAtPods> {
  const published = await publishedStatus(config.data.runDir);
  if (published !== null) return looked(livePods(stored, published, momentOf(linuxClock())), stored);
  const { document, facts } = await workedOutStatus(config, null);
  return looked(document.pods, facts ?? stored);
}

function looked(rows: readonly PodRow[], { statuses, historyOf }: StoredFacts): LookedAtPods {
  return { rows, statuses: new Map(statuses.map(({ id, status }) => [id.uid, status])), historyOf };
}

/** The Pod as Kubernetes has it (core/v1), values of variables included. */
export function podDocument({ kind, metadata, spec, UID, status }: DevicePod, { statuses }: LookedAtPods) {
  return { apiVersion: "v1", kind, metadata, spec, status: statuses.get(UID) ?? status };
}
