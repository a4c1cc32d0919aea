import type { FetchProgress } from "../../core/image/pull-progress.ts";
import type { Pull } from "../../core/pod/action.ts";
import type { Outcome } from "./executor.ts";

/** A pull that a pod needs, and how it is begun. */
export interface NeededPull {
  /** What it is for, with all that its outcome may depend on: another id is another pull. */
  readonly id: string;
  readonly uid: string;
  /** What of the pod it is for, see `wantedKey`. */
  readonly wanted: string;
  readonly action: Pull;
  readonly pull: (signal: AbortSignal, onProgress: (progress: FetchProgress) => void) => Promise<Outcome>;
}

export interface EndedPull extends Pick<NeededPull, "uid" | "wanted" | "action"> {
  readonly outcome: Outcome;
}

/** Pulls under way, by pod. A pull may take hours: the pod's worker does not wait for it, and sees to what runs meanwhile. */
export interface PodPulls {
  /** Starts those that are not under way and aborts those that are needed no more. The pod is woken when one has ended. */
  sync(key: string, pulls: readonly NeededPull[]): void;
  /** What has come of those that ended since the last call; throws what a pull threw, which parks the pod. */
  takeEnded(key: string): readonly EndedPull[];
  /** How much of an image is here that a container waits for, and where it comes from; its pod is woken as that changes. */
  progress(key: string, uid: string, container: string): FetchProgress;
  /** Whether such a pull has not been taken by `takeEnded` yet. */
  isUnderWay(key: string, pull: Pick<NeededPull, "uid" | "wanted"> & { readonly image: string }): boolean;
  /** Runs until the signal aborts and all are given up. */
  run(signal: AbortSignal): Promise<void>;
}

interface RunningPull {
  readonly pull: NeededPull;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  outcome: Outcome | null;
  /** What it threw instead of an outcome. */
  bug: { readonly error: unknown } | null;
  readonly heard: { progress: FetchProgress };
}

const notBegun: FetchProgress = { tenths: 0, archive: null };

export function createPodPulls(wake: (key: string) => void): PodPulls {
  const pods = new Map<string, Map<string, RunningPull>>();

  function startPull(key: string, pull: NeededPull): RunningPull {
    const stop = new AbortController();
    const endedWith = (outcome: Outcome): void => {
      running.outcome = outcome;
      if (!stop.signal.aborted) wake(key);
    };
    // What another pod's pull has fetched already is told before this one is even known.
    const heard = { progress: notBegun };
    const onProgress = (progress: FetchProgress): void => {
      heard.progress = progress;
      if (!stop.signal.aborted) wake(key);
    };
    const failedWith = (error: unknown): void => {
      running.bug = { error };
      if (!stop.signal.aborted) wake(key);
    };
    const ended = pull.pull(stop.signal, onProgress).then(endedWith, failedWith);
    const running: RunningPull = { pull, stop, ended, heard, outcome: null, bug: null };
    return running;
  }

  return {
    sync(key, pulls) {
      const runnings = pods.get(key) ?? new Map<string, RunningPull>();
      for (const [id, running] of runnings) {
        if (running.outcome !== null || pulls.some((pull) => pull.id === id)) continue;
        running.stop.abort();
        runnings.delete(id);
      }
      for (const pull of pulls) if (!runnings.has(pull.id)) runnings.set(pull.id, startPull(key, pull));
      if (runnings.size === 0) pods.delete(key);
      else pods.set(key, runnings);
    },
    takeEnded(key) {
      const runnings = [...(pods.get(key) ?? [])];
      for (const [id, { bug }] of runnings) {
        if (bug === null) continue;
        pods.get(key)?.delete(id);
        throw bug.error;
      }
      return runnings.flatMap(([id, { pull, outcome }]) => {
        if (outcome === null) return [];
        pods.get(key)?.delete(id);
        return [{ uid: pull.uid, wanted: pull.wanted, action: pull.action, outcome }];
      });
    },
    progress(key, uid, container) {
      const runnings = [...(pods.get(key)?.values() ?? [])];
      const running = runnings.find(({ pull }) => pull.uid === uid && pull.action.container === container);
      return running?.heard.progress ?? notBegun;
    },
    isUnderWay(key, { uid, wanted, image }) {
      const runnings = [...(pods.get(key)?.values() ?? [])];
      return runnings.some(({ pull }) => pull.uid === uid && pull.wanted === wanted && pull.action.image === image);
    },
    async run(signal) {
      const over = Promise.withResolvers<void>();
      const end = (): void => over.resolve();
      if (signal.aborted) end();
      signal.addEventListener("abort", end, { once: true });
      const all = (): readonly RunningPull[] => [...pods.values()].flatMap((runnings) => [...runnings.values()]);
      await over.promise;
      for (const { stop } of all()) stop.abort();
      await Promise.all(all().map(({ ended }) => ended));
    },
  };
}
