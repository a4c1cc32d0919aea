import type { Moment, PodHistory } from "../core/pod/container-history.ts";
import type { ObservedContainer } from "../core/pod/observed.ts";
import type { PodStatus } from "../core/pod/pod-status.ts";
import { record } from "../core/pod/record.ts";
import { podStatus } from "../core/pod/status.ts";
import { type PodFacts, type PodRow, podRows, type StatusDocument } from "../core/status-document.ts";
import type { StoreReader } from "../ports/store.ts";

export interface SeenOnEngine {
  /** Containers of this device's pods. */
  readonly containers: readonly ObservedContainer[];
  readonly engineRunId: string | null;
  readonly now: Moment;
}

export type StoredFacts = Pick<PodFacts, "desired" | "terminating" | "statuses" | "historyOf">;

/** The pods as the store last had them. */
export function storedPods(store: StoreReader): StoredFacts {
  // Read now: the store may be closed when they are asked for.
  const histories = new Map(store.histories.uids().map((uid) => [uid, store.histories.get(uid)]));
  return {
    desired: store.desiredPods.list(),
    terminating: store.terminatingPods.list(),
    statuses: store.statuses.list(),
    historyOf: (uid) => histories.get(uid) ?? {},
  };
}

/**
 * The rows of a device whose agent is live. The store is newer than what the agent publishes, once a second at most;
 * only the agent knows whether the engine answers, what a readiness probe that fails says, and until when a container has to stop.
 */
export function livePods(stored: StoredFacts, published: StatusDocument, now: Moment): readonly PodRow[] {
  const ofAgent = new Map(published.pods.map((pod) => [pod.uid, pod]));
  const lastSeen = published.pods.find((pod) => pod.lastSeen !== undefined)?.lastSeen ?? null;
  const unseen = published.engine.state === "unavailable" ? { since: lastSeen } : null;
  const statuses = new Map(stored.statuses.map(({ id, status }) => [id.uid, status as PodStatus]));
  return podRows({ ...stored, unready: new Map(), stopping: new Map(), unseen, now }).map((row) => {
    const known = ofAgent.get(row.uid);
    const isSame = known?.status === row.status && known.ready === row.ready && known.restarts === row.restarts;
    return unseen === null && isSame && isRunning(statuses.get(row.uid)) ? known : row;
  });
}

function isRunning(status: PodStatus | undefined): boolean {
  return (status?.containerStatuses ?? []).some(({ state }) => state.running !== undefined);
}

/** The pods as the engine shows them now, worked out as the agent would; nothing is saved. */
export function seenPods(store: StoreReader, { containers, engineRunId, now }: SeenOnEngine): StoredFacts {
  const stored = storedPods(store);
  const { desired, terminating } = stored;
  const pods = [
    ...desired.map(({ pod, acceptedAt }) => ({ pod, acceptedAt, termination: "none" as const })),
    ...terminating.flatMap(({ pod, acceptedAt, kind }) => {
      if (pod === null) return [];
      return [{ pod, acceptedAt, termination: kind === "deleted" ? ("terminating" as const) : ("none" as const) }];
    }),
  ];
  const histories = new Map<string, PodHistory>();
  const statuses = pods.map(({ pod, acceptedAt, termination }) => {
    const observed = containers.filter((container) => container.pod.uid === pod.id.uid);
    const { history } = record(store.histories.get(pod.id.uid), observed, { now, engineRunId });
    const previous = (store.statuses.get(pod.id.uid)?.status ?? null) as PodStatus | null;
    histories.set(pod.id.uid, history);
    const status = podStatus({
      pod,
      acceptedAtWall: acceptedAt.wall,
      history,
      observed,
      waiting: {},
      probes: {},
      termination,
      previous,
      hostIp: previous?.hostIP ?? "",
      nowWall: now.wall,
    });
    return { id: pod.id, status };
  });
  return { desired, terminating, statuses, historyOf: (uid) => histories.get(uid) ?? {} };
}
