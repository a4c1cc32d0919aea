import type { Clock } from "../../../src/ports/clock.ts";
import type { HttpProbeRequest } from "../../../src/ports/http.ts";
import { type Behaviour, type ExecBehaviour, observed } from "../../fakes/engine-container.ts";
import type { FakeEngineHost } from "../../fakes/engine-controls.ts";
import type { HttpBehaviour } from "../../fakes/http.ts";

export const liveCommand = "/bin/live";
export const readyCommand = "/bin/ready";
/** Seconds between two liveness probes of the simulated pods. */
export const livePeriodSeconds = 10;

const periodMs = livePeriodSeconds * 1000;
/** From when a probe is due until the engine is asked for it. */
const dueMs = 1_000;
/** Probes hang on a stuck engine for as long as this (probe-runner.ts), and others have to wait for them. */
const stuckMs = 10_000;

/** How programs are that are started from now on; one that is stubborn outlives SIGTERM. */
export type Temper =
  | { readonly kind: "well" | "stubborn" | "cannotStart" }
  | { readonly kind: "ends"; readonly code: number; readonly afterMs: number; readonly oomKilled: boolean };

/** How the programs in the containers are, and what they have really said when they were asked. */
export interface Programs {
  /** From now on, until the container is replaced, its liveness probe fails or never ends. */
  sicken(id: string, how: "fails" | "hangs"): void;
  /** The next liveness probes fail, as many as this. */
  hiccup(id: string, times: number): void;
  /** The programs of a pod of this name, its sandbox left out. */
  temper(pod: string, is: Temper): void;
  /** Whether it says that it is ready. */
  busy(id: string, on: boolean): void;
  /** How often its readiness was asked for and it was not ready. */
  readinessFailures(id: string): number;
  isSick(id: string): boolean;
  isBusy(id: string): boolean;
  /** All are well from now on; what hangs already does so until its container ends. */
  calm(): void;
  /** Whether the container itself has given cause to be stopped: three failures in a row, or a probe that lasts for three. */
  gaveCause(id: string): boolean;
}

export function createPrograms(clock: Clock, host: FakeEngineHost, behaveHttp: (does: Answering) => void): Programs {
  const sick = new Map<string, "fails" | "hangs">();
  const hiccups = new Map<string, number>();
  const occupied = new Set<string>();
  const failures = new Map<string, number>();
  const hangsSince = new Map<string, number>();
  const unready = new Map<string, number>();
  const tempers = new Map<string, Temper>();
  const ask = (id: string): boolean => {
    if (occupied.has(id)) unready.set(id, (unready.get(id) ?? 0) + 1);
    return !occupied.has(id);
  };

  function live(id: string, askedAt: number): ExecBehaviour {
    const how = sick.get(id);
    if (how === "hangs") {
      // Times of probes are those at which they were due, however long an engine took. After a boot they begin anew.
      const freeSince = host.freeSince();
      const wasStuck = freeSince !== null && askedAt - freeSince < stuckMs;
      const due = wasStuck ? Math.max(askedAt, freeSince) - stuckMs : askedAt;
      hangsSince.set(id, Math.min(hangsSince.get(id) ?? due, due));
      return "hangs";
    }
    const left = hiccups.get(id) ?? 0;
    const fails = how === "fails" || left > 0;
    hiccups.set(id, Math.max(0, left - 1));
    failures.set(id, fails ? (failures.get(id) ?? 0) + 1 : 0);
    return { code: fails ? 1 : 0, afterMs: 700 };
  }

  host.behave(({ pod }) => ({
    ...behaviourOf(tempers.get(pod.id.name)),
    // A well-behaved job ends well when it is told to end, whoever tells it.
    termCode: pod.spec.restartPolicy === "Always" ? 143 : 0,
    exec: ([command], id, askedAt) =>
      command === liveCommand ? live(id, askedAt) : { code: ask(id) ? 0 : 1, afterMs: 20 },
  }));
  behaveHttp(({ host: address }) => {
    const asked = host.running().find((one) => observed(one)?.ip === address);
    if (asked === undefined) return null;
    if (sick.get(asked.id) === "hangs") {
      unready.set(asked.id, (unready.get(asked.id) ?? 0) + 1);
      return "hangs";
    }
    return { answer: { ok: true, status: ask(asked.id) ? 200 : 503 }, afterMs: 5 };
  });

  return {
    sicken: (id, how) => void sick.set(id, how),
    temper: (pod, is) => void tempers.set(pod, is),
    hiccup: (id, times) => void hiccups.set(id, times),
    busy(id, on) {
      if (on) occupied.add(id);
      else occupied.delete(id);
    },
    readinessFailures: (id) => unready.get(id) ?? 0,
    isSick: (id) => sick.has(id),
    isBusy: (id) => occupied.has(id),
    calm() {
      sick.clear();
      occupied.clear();
      tempers.clear();
      hiccups.clear();
    },
    gaveCause(id) {
      const since = hangsSince.get(id);
      const lasted = since === undefined ? 0 : Math.floor((clock.mono() - since + dueMs) / periodMs) + 1;
      return (failures.get(id) ?? 0) + lasted >= 3;
    },
  };
}

function behaviourOf(temper: Temper = { kind: "well" }): Pick<Behaviour, "exit" | "ignoresTerm" | "startError"> {
  switch (temper.kind) {
    case "well":
      return {};
    case "stubborn":
      return { ignoresTerm: true };
    case "cannotStart":
      return { startError: 'exec: "/app": stat /app: no such file or directory' };
    case "ends":
      return { exit: temper };
    default:
      return temper satisfies never;
  }
}

type Answering = (request: HttpProbeRequest) => HttpBehaviour | null;
