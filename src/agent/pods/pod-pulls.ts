import type { Action } from "../../core/pod/action.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import { podKey } from "../../core/pod/spec.ts";
import { partOf, wantedKey } from "../../core/pod/wanted.ts";
import type { Outcome } from "./executor.ts";

/** A pull that a pod needs, and how it is begun. */
export interface NeededPull {
  /** What it is for, with all that its outcome may depend on: another id is another pull. */
  readonly id: string;
  readonly uid: string;
  /** What of the pod it is for, see `wantedKey`. */
  readonly wanted: string;
  readonly action: Extract<Action, { kind: "pull" }>;
  readonly begin: (signal: AbortSignal, told: (tenths: number) => void) => Promise<Outcome>;
}

export interface LandedPull extends Pick<NeededPull, "uid" | "wanted" | "action"> {
  readonly outcome: Outcome;
}

/** Pulls under way, by pod. A pull may take hours: the pod's worker does not wait for it, and sees to what runs meanwhile. */
export interface PodPulls {
  /** Begins those that are not under way and gives up what is needed no more. The pod is woken when one has ended. */
  need(key: string, pulls: readonly NeededPull[]): void;
  /** What has come of those that ended since the last call; throws what a pull threw, which parks the pod. */
  landed(key: string): readonly LandedPull[];
  /** How many tenths of an image are here that a container waits for; its pod is woken as they grow. */
  tenths(key: string, uid: string, container: string): number;
  /** Whether such a pull has not been taken from `landed` yet. */
  isUnderWay(key: string, pull: Pick<NeededPull, "uid" | "wanted"> & { readonly image: string }): boolean;
  /** Runs until the signal aborts and all are given up. */
  run(signal: AbortSignal): Promise<void>;
}

interface Flight {
  readonly pull: NeededPull;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  outcome: Outcome | null;
  /** What it threw instead of an outcome. */
  bug: { readonly error: unknown } | null;
  readonly heard: { tenths: number };
}

export function createPodPulls(wake: (key: string) => void): PodPulls {
  const pods = new Map<string, Map<string, Flight>>();

  function begin(key: string, pull: NeededPull): Flight {
    const stop = new AbortController();
    const landed = (outcome: Outcome): void => {
      flight.outcome = outcome;
      if (!stop.signal.aborted) wake(key);
    };
    // What another pod's pull has fetched already is told before this one is even known.
    const heard = { tenths: 0 };
    const told = (tenths: number): void => {
      heard.tenths = tenths;
      if (!stop.signal.aborted) wake(key);
    };
    const threw = (error: unknown): void => {
      flight.bug = { error };
      if (!stop.signal.aborted) wake(key);
    };
    const ended = pull.begin(stop.signal, told).then(landed, threw);
    const flight: Flight = { pull, stop, ended, heard, outcome: null, bug: null };
    return flight;
  }

  return {
    need(key, pulls) {
      const flights = pods.get(key) ?? new Map<string, Flight>();
      for (const [id, flight] of flights) {
        if (flight.outcome !== null || pulls.some((one) => one.id === id)) continue;
        flight.stop.abort();
        flights.delete(id);
      }
      for (const pull of pulls) if (!flights.has(pull.id)) flights.set(pull.id, begin(key, pull));
      if (flights.size === 0) pods.delete(key);
      else pods.set(key, flights);
    },
    landed(key) {
      const flights = [...(pods.get(key) ?? [])];
      for (const [id, { bug }] of flights) {
        if (bug === null) continue;
        pods.get(key)?.delete(id);
        throw bug.error;
      }
      return flights.flatMap(([id, { pull, outcome }]) => {
        if (outcome === null) return [];
        pods.get(key)?.delete(id);
        return [{ uid: pull.uid, wanted: pull.wanted, action: pull.action, outcome }];
      });
    },
    tenths(key, uid, container) {
      const flights = [...(pods.get(key)?.values() ?? [])];
      const its = flights.find(({ pull }) => pull.uid === uid && pull.action.container === container);
      return its?.heard.tenths ?? 0;
    },
    isUnderWay(key, { uid, wanted, image }) {
      const flights = [...(pods.get(key)?.values() ?? [])];
      return flights.some(({ pull }) => pull.uid === uid && pull.wanted === wanted && pull.action.image === image);
    },
    async run(signal) {
      const over = Promise.withResolvers<void>();
      const end = (): void => over.resolve();
      if (signal.aborted) end();
      signal.addEventListener("abort", end, { once: true });
      const all = (): readonly Flight[] => [...pods.values()].flatMap((flights) => [...flights.values()]);
      await over.promise;
      for (const { stop } of all()) stop.abort();
      await Promise.all(all().map(({ ended }) => ended));
    },
  };
}

/** What a look for an image comes to while its pull is under way. */
export const notYetHere = { kind: "image", image: null, pulled: false } as const satisfies Outcome;

/** Docker names an image before it ends the answer to its pull: that answer tells the end, and whose the image is. */
export function isAwaited(pulls: Pick<PodPulls, "isUnderWay">, desired: DesiredPod | null, action: Action): boolean {
  if (desired === null || action.kind !== "resolve") return false;
  const spec = partOf(desired, action.container);
  if (spec === undefined) return false;
  const { id } = desired.pod;
  return pulls.isUnderWay(podKey(id), { uid: id.uid, wanted: wantedKey(desired, spec), image: action.image });
}
