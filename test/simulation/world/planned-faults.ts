import type { Trace } from "./trace.ts";

/** An end of the process that was planned: it tells itself from a bug. Only a disk that fails ends the process. */
export class PlannedEnd extends Error {
  readonly storeFailure = "broken";
}

/** Faults that are planned, and strike when the agent comes to that point: there they are met. */
export const striking = ["crashAtStoreCall", "crashAtCommit", "crashAtAwait", "storeFails"] as const;

export type StrikingFault = (typeof striking)[number];

/** How a process is started again. */
export interface Restart {
  /** Takes the containers along, and what the store had not flushed. */
  readonly powerCut: boolean;
  /** The clock has no battery: it begins at 1970 after a power cut. */
  readonly noBattery?: boolean;
  /** The data folder is gone. */
  readonly dataLost?: boolean;
  /** What happens while no agent runs, and for how long none does. */
  readonly meanwhile?: () => void;
  readonly awayMs?: number;
}

/** Plans of faults, for a scene or a life. */
export interface PlannedFaults {
  /** The agent's process dies before the n-th store call from now, of any name or of one, alone or with all that runs. */
  crashIn(at: { readonly calls: number; readonly name: string | null }, powerCut: boolean): void;
  /** It dies as the n-th transaction from now is about to be committed. */
  crashAtCommit(commits: number, powerCut: boolean): void;
  /** The n-th store call from now fails as on a disk that fails; the process has to end by itself. */
  failStoreIn(calls: number): void;
  /** It dies as it is about to go on after the n-th wait from now: for the engine, a probe or the clock. */
  crashAtAwait(awaits: number, powerCut: boolean): void;
  /** How a process that died as planned is started again. */
  afterCrash(): Restart;
  /** No crash is planned any more. */
  calm(): void;
}

interface FaultOptions {
  readonly trace: Trace;
  /** Hears of a fault just before it strikes. */
  readonly strikes: ((fault: StrikingFault) => void) | undefined;
  readonly crash: (powerCut: boolean) => void;
}

interface FaultCounter extends PlannedFaults {
  /** The process is about to call the store; throws when a fault strikes. */
  storeCalled(name: string): void;
  /** The process is about to go on after a wait. */
  awaited(): void;
}

const never = Number.POSITIVE_INFINITY;

/** Counts the store calls, commits and waits of the process down to the planned faults. */
export function plannedFaults({ trace, strikes, crash }: FaultOptions): FaultCounter {
  let storeCalls = never;
  let callsOf: string | null = null;
  let failingCall = never;
  let awaits = never;
  let commits = never;
  let after: Restart = { powerCut: false };

  return {
    storeCalled(name) {
      if (callsOf === null || callsOf === name) storeCalls -= 1;
      failingCall -= 1;
      if (name === "commit") commits -= 1;
      if (failingCall <= 0) {
        failingCall = never;
        strikes?.("storeFails");
        trace.note("agent", () => "a store call fails");
        throw new PlannedEnd("disk I/O error");
      }
      if (storeCalls > 0 && commits > 0) return;
      strikes?.(commits > 0 ? "crashAtStoreCall" : "crashAtCommit");
      trace.note("agent", () => "dies between two store calls");
      crash(after.powerCut);
      throw new PlannedEnd("The process died between two store calls");
    },
    awaited() {
      awaits -= 1;
      if (awaits > 0) return;
      awaits = never;
      strikes?.("crashAtAwait");
      trace.note("agent", () => "dies as it goes on");
      crash(after.powerCut);
    },
    crashIn({ calls, name }, powerCut) {
      storeCalls = calls;
      callsOf = name;
      after = { powerCut };
    },
    crashAtCommit(count, powerCut) {
      commits = count;
      after = { powerCut };
    },
    failStoreIn(calls) {
      failingCall = calls;
    },
    crashAtAwait(count, powerCut) {
      awaits = count;
      after = { powerCut };
    },
    afterCrash: () => after,
    calm() {
      storeCalls = never;
      failingCall = never;
      awaits = never;
      commits = never;
      after = { powerCut: false };
    },
  };
}
