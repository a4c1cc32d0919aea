// agent/probes: liveness and readiness probes of running containers.

import { ownValue } from "../../core/base/own-value.ts";
import type { PodHistory } from "../../core/pod/container-history.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import { isPaused, isUnknown, type ObservedContainer } from "../../core/pod/observed.ts";
import {
  afterResult,
  firstDue,
  isOnHold,
  isStillWorthTelling,
  isWorthTelling,
  nextDue,
  noResults,
  type ProbeKind,
  type ProbeState,
  type ProbeVerdicts,
  verdictOf,
} from "../../core/pod/probe.ts";
import { type ContainerSpec, type Probe, podKey } from "../../core/pod/spec.ts";
import { hashesOf } from "../../core/pod/wanted.ts";
import type { NodeDevice } from "../../ports/node-device.ts";
import type { Random } from "../../ports/random.ts";
import type { EventRecorder, RecordedEvent } from "../event-recorder.ts";
import { createLimiter } from "../loop/limiter.ts";
import { endsProcess } from "../loop/supervise.ts";
import { type ProbeRunner, type ProbeRunnerParts, probeRunner } from "./probe-runner.ts";

export interface ProberParts extends Omit<ProbeRunnerParts, "onSilent"> {
  readonly random: Random;
  /** hostIp is the address of pods in the device's network. */
  readonly device: Pick<NodeDevice, "hostIp">;
  readonly events: EventRecorder;
  /** A probe threw what nothing expected: it is recorded, and the probe goes on at its next time. */
  readonly onFailed: (key: string, error: unknown) => void;
  /** A verdict has changed, or the engine is silent about a container: this pod is to be looked at. */
  readonly wakePod: (key: string) => void;
}

export interface Prober {
  /**
   * Takes note of what runs of a pod just now: probes the containers that are to be probed, lets go of the others, and
   * gives what is known so far.
   */
  sync(pod: { readonly namespace: string; readonly name: string }, seen: SeenPod): ProbeVerdicts;
  /** Words of the readiness probes that fail, by container id. */
  unready(): ReadonlyMap<string, string>;
  /** Runs until the signal aborts; rejects if the disk of the store fails. */
  run(signal: AbortSignal): Promise<void>;
}

export interface SeenPod {
  /** The pod whose containers are probed: the desired one, or one that keeps running or terminates. */
  readonly desired: DesiredPod | null;
  /** It is deleted: liveness probes end, readiness probes go on (kubelet `StopLivenessAndStartup`). */
  readonly isDeleted: boolean;
  readonly observed: readonly ObservedContainer[];
  readonly history: PodHistory;
}

/** One run of one container. The states are its workers' to change. */
interface Followed {
  readonly key: string;
  readonly id: string;
  readonly container: string;
  /** The same container started again by hand is another run. */
  readonly startedAt: string;
  /** Ends both of its probes, and only the liveness probe. */
  readonly stop: AbortController;
  readonly stopLiveness: AbortController;
  /** While it is held nobody asks it: the verdicts stay, and no call waits for an engine that does not answer about it. */
  readonly hold: { isOn: boolean };
  readonly states: Record<ProbeKind, ProbeState>;
}

const kinds = { liveness: "livenessProbe", readiness: "readinessProbe" } as const;

/** Probes running containers of desired pods, each at its own times, and remembers verdicts while they run. */
export function createProber(parts: ProberParts): Prober {
  const followed = new Map<string, readonly Followed[]>();
  const bornAt = parts.clock.mono();
  const bug = Promise.withResolvers<never>();
  // Handled in run, which may not have begun.
  bug.promise.catch(() => {});

  function startProbes(key: string, running: Running, probed: readonly ProbeKind[]): Followed {
    const { id, container } = running.observed;
    const states = { liveness: noResults, readiness: noResults };
    const run: Followed = {
      key,
      id,
      container,
      startedAt: running.startedAt,
      stop: new AbortController(),
      stopLiveness: new AbortController(),
      hold: { isOn: false },
      states,
    };
    const turns = createLimiter(1);
    for (const kind of probed) {
      const probe = running.spec[kinds[kind]];
      if (probe === undefined) continue;
      const spread = running.startedMono < bornAt ? parts.random.next() : null;
      const due = firstDue(probe, running.startedMono, parts.clock.mono(), spread);
      const runnerParts = { ...parts, onSilent: () => parts.wakePod(key) };
      const runProbe = probeRunner(runnerParts, probe, { id, host: running.host }, turns);
      work(parts, run, { kind, probe, due, look: runProbe }).catch(bug.reject);
    }
    return run;
  }

  return {
    sync(pod, seen) {
      const key = podKey(pod);
      const before = followed.get(key) ?? [];
      const silent = seen.observed
        .filter((container) => isUnknown(container) || isPaused(container))
        .map(({ id }) => id);
      const known = runningOf(seen, parts).flatMap((running) => {
        const same = before.find((run) => run.id === running.observed.id && run.startedAt === running.startedAt);
        if (same !== undefined) return [same];
        return running.asWanted
          ? [startProbes(key, running, seen.isDeleted ? ["readiness"] : ["liveness", "readiness"])]
          : [];
      });
      const runs = [...known, ...before.filter((run) => silent.includes(run.id) && !known.includes(run))];
      for (const run of runs) run.hold.isOn = silent.includes(run.id);
      for (const run of before) if (!runs.includes(run)) end(run);
      if (seen.isDeleted) for (const run of runs) run.stopLiveness.abort();
      if (runs.length === 0) followed.delete(key);
      else followed.set(key, runs);
      return Object.fromEntries(runs.map(({ id, states }) => [id, verdictOf(states.liveness, states.readiness)]));
    },
    unready() {
      const failing = [...followed.values()].flat().filter(({ states }) => states.readiness.good === false);
      return new Map(failing.map(({ id, states }) => [id, states.readiness.message]));
    },
    async run(signal) {
      const over = Promise.withResolvers<void>();
      const finish = (): void => over.resolve();
      if (signal.aborted) finish();
      signal.addEventListener("abort", finish, { once: true });
      try {
        await Promise.race([over.promise, bug.promise]);
      } finally {
        signal.removeEventListener("abort", finish);
        for (const run of [...followed.values()].flat()) end(run);
        followed.clear();
      }
    },
  };
}

function end(run: Followed): void {
  run.stop.abort();
  run.stopLiveness.abort();
}

interface Running {
  readonly observed: ObservedContainer;
  readonly spec: ContainerSpec;
  readonly startedAt: string;
  /** When it was first seen running, by our own clock: the engine's times may jump. */
  readonly startedMono: number;
  readonly host: string;
  /** It was made from this specification: probes of another one are not its own, and must not end it. */
  readonly asWanted: boolean;
}

/** The running containers of a desired pod that are to be probed. */
function runningOf({ desired, observed, history }: SeenPod, { device, clock }: ProberParts): readonly Running[] {
  if (desired === null) return [];
  const { id, spec: pod } = desired.pod;
  const podContainers = observed.filter((container) => container.pod.uid === id.uid);
  const host =
    pod.hostNetwork === true
      ? device.hostIp()
      : (podContainers.find((container) => container.ip !== undefined)?.ip ?? "");
  return podContainers.flatMap((container) => {
    const spec = pod.containers.find(({ name }) => name === container.container);
    if (spec === undefined || container.state.kind !== "running") return [];
    if (spec.livenessProbe === undefined && spec.readinessProbe === undefined) return [];
    const current = ownValue(history, container.container)?.current;
    const seen = current?.id === container.id ? current.seenRunning : null;
    const startedMono = seen?.bootId === clock.bootId() ? seen.mono : clock.mono();
    const asWanted = container.specHash === hashesOf(desired, spec).specHash;
    return [{ observed: container, spec, startedAt: container.state.startedAt, startedMono, host, asWanted }];
  });
}

interface Job {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  readonly due: number;
  readonly look: ProbeRunner;
}

/** Asks at absolute times until the container is let go of, or has failed its liveness probe. */
async function work(
  parts: ProberParts,
  run: Followed,
  { kind, probe, due: first, look: runProbe }: Job,
): Promise<void> {
  const { clock } = parts;
  const { signal } = kind === "liveness" ? run.stopLiveness : run.stop;
  let due = first;
  while (!isOnHold(kind, run.states[kind])) {
    await clock.sleep(Math.max(0, due - clock.mono()), signal);
    if (signal.aborted) return;
    try {
      const result = run.hold.isOn ? null : await runProbe(signal);
      if (result !== null && !signal.aborted && !run.hold.isOn) takeResult(parts, run, { kind, probe }, result);
    } catch (error) {
      if (endsProcess(error)) throw error;
      parts.onFailed(run.key, error);
    }
    if (signal.aborted) return;
    due = nextDue(probe, due, clock.mono());
  }
}

function takeResult(
  parts: ProberParts,
  run: Followed,
  { kind, probe }: Pick<Job, "kind" | "probe">,
  result: NonNullable<Awaited<ReturnType<ProbeRunner>>>,
): void {
  const before = run.states[kind];
  const after = afterResult(before, probe, result);
  run.states[kind] = after;
  if (after.verdict !== before.verdict) parts.wakePod(run.key);
  if (isWorthTelling(before, after)) {
    parts.events.recordPodEvent(run.key, unhealthy(run, kind, `failed: ${result.message}`));
  } else if (isStillWorthTelling(before, after, probe)) {
    parts.events.recordPodEvent(run.key, unhealthy(run, kind, `still fails: ${result.message}`));
  }
}

/** In the kubelet's words. */
function unhealthy(run: Followed, kind: ProbeKind, how: string): RecordedEvent {
  const which = kind === "liveness" ? "Liveness" : "Readiness";
  return {
    type: "Warning",
    container: run.container,
    reason: "Unhealthy",
    message: `${which} probe ${how}`,
  };
}
