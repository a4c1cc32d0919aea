import { setTimeout as sleep } from "node:timers/promises";
import { momentOf } from "../agent/loop/moment.ts";
import type { Config } from "../core/config/config.ts";
import { type PodId, podKey } from "../core/pod/spec.ts";
import { isAsWanted } from "../core/pod/wanted.ts";
import type { PodRow } from "../core/status-document.ts";
import { linuxClock } from "../linux/clock.ts";
import { openStoreReadOnly } from "../sqlite/store.ts";
import { publishedStatus, workedOutStatus } from "./device-status.ts";
import { livePods, storedPods } from "./seen-pods.ts";

/** Ready: the version that is wanted runs and is ready. Deleted: the pod is gone, also if another of its name is here. */
export type WaitCondition = "Ready" | "Deleted";

export interface PodWait {
  readonly pod: Pick<PodId, "namespace" | "name">;
  readonly condition: WaitCondition;
  readonly timeoutMs: number;
  /**
   * Called with what is seen first, and again when status, READY, restarts or cause have changed.
   * @param isOutdated see `WaitEnd`
   */
  readonly onProgress: (row: PodRow, isOutdated: boolean) => void;
}

export interface WaitEnd {
  /** never: the pod has ended, so it will not be ready. aborted: by the signal. */
  readonly kind: "met" | "never" | "timeout" | "aborted";
  /** The pod as it was seen last; null if it is not here. */
  readonly row: PodRow | null;
  /** The containers are those of a version before the one that is wanted. */
  readonly isOutdated: boolean;
  /** An agent watched the pod when it was seen last. */
  readonly isWatched: boolean;
}

const pollMs = 500;

/**
 * Waits until a pod is ready or deleted. Reads what `edge status` reads, twice a second, and the store where this user may:
 * without it a pod that was changed within the last second may count as ready while the version before it runs.
 */
export async function waitForPod(config: Config, wait: PodWait, signal: AbortSignal): Promise<WaitEnd> {
  const until = performance.now() + wait.timeoutMs;
  let awaited: ReadonlySet<string> | null = null;
  let told = "";
  while (true) {
    const seen = await seenNow(config, wait.pod);
    // A pod that is made anew under the same name is not the one to be deleted.
    awaited ??= new Set(seen.rows.map(({ uid }) => uid));
    const rows = wait.condition === "Deleted" ? seen.rows.filter(({ uid }) => awaited?.has(uid)) : toBeReady(seen);
    const row = rows[0] ?? null;
    const { isMade, isOutdated, isWatched } = seen;
    // Whether a pod is ready nobody knows without its agent: it probes.
    const kind = isWatched || wait.condition === "Deleted" ? verdict(wait.condition, rows, isMade) : "waiting";
    const news = JSON.stringify([isOutdated, row?.status, row?.ready, row?.restarts, row?.reason]);
    if (row !== null && news !== told) wait.onProgress(row, isOutdated);
    told = news;
    if (kind !== "waiting") return { kind, row, isOutdated, isWatched };
    const left = until - performance.now();
    if (left <= 0) return { kind: "timeout", row, isOutdated, isWatched };
    await sleep(Math.min(pollMs, left), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return { kind: "aborted", row, isOutdated, isWatched };
  }
}

/** The pod that is wanted, and not a former one of its name that still ends. */
function toBeReady({ rows, desiredUid }: Seen): readonly PodRow[] {
  if (desiredUid !== null) return rows.filter(({ uid }) => uid === desiredUid);
  const staying = rows.filter(({ status }) => status !== "Terminating");
  return staying.length === 0 ? rows : staying;
}

function verdict(condition: WaitCondition, rows: readonly PodRow[], isMade: boolean): "met" | "never" | "waiting" {
  if (condition === "Deleted") return rows.length === 0 ? "met" : "waiting";
  if (rows.length === 0 || !isMade) return "waiting";
  if (rows.every(({ phase }) => phase === "Succeeded" || phase === "Failed")) return "never";
  return rows.every(isReady) ? "met" : "waiting";
}

function isReady({ phase, ready, status, lastSeen }: PodRow): boolean {
  const [up, all] = ready.split("/");
  return phase === "Running" && up === all && status !== "Terminating" && lastSeen === undefined;
}

interface Seen {
  readonly rows: readonly PodRow[];
  /** Null where the store cannot be read, and for a pod that is not wanted. */
  readonly desiredUid: string | null;
  /** Every container was made for the version that is wanted; true where that cannot be told. */
  readonly isMade: boolean;
  /** See `WaitEnd`. */
  readonly isOutdated: boolean;
  readonly isWatched: boolean;
}

async function seenNow(config: Config, pod: PodWait["pod"]): Promise<Seen> {
  const { dir, runDir } = config.data;
  const published = await publishedStatus(runDir);
  const opened = openStoreReadOnly(dir);
  const stored = opened.ok ? storedPods(opened.store) : null;
  if (opened.ok) opened.store.close();
  const isNamed = ({ namespace, name }: PodWait["pod"]): boolean => podKey({ namespace, name }) === podKey(pod);
  const all =
    published === null
      ? (await workedOutStatus(config, null)).document.pods
      : stored === null
        ? published.pods
        : livePods(stored, published, momentOf(linuxClock()));
  const desired = stored?.desired.find((wanted) => isNamed(wanted.pod.id));
  const rows = all.filter(isNamed);
  const isWatched = published !== null;
  if (desired === undefined || stored === null) {
    return { rows, desiredUid: null, isMade: true, isOutdated: false, isWatched };
  }
  const { uid } = desired.pod.id;
  const history = stored.historyOf(uid);
  const isMade = isAsWanted(desired, history);
  // A pod of which nothing was made yet has no version before it.
  return { rows, desiredUid: uid, isMade, isOutdated: !isMade && Object.keys(history).length > 0, isWatched };
}
