import { createEventRecorder } from "../../../../src/agent/event-recorder.ts";
import { createProber } from "../../../../src/agent/probes/prober.ts";
import type { DesiredPod } from "../../../../src/core/pod/desired.ts";
import type { PodEvent } from "../../../../src/core/pod/event.ts";
import type { ObservedContainer } from "../../../../src/core/pod/observed.ts";
import type { ContainerSpec, Probe } from "../../../../src/core/pod/spec.ts";
import type { Engine, EngineResult, ExecResult } from "../../../../src/ports/engine.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { fakeHttp } from "../../../fakes/http.ts";
import { container, desiredPod, historyOf, withSpec } from "../../../samples/pods.ts";

const times = {
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 2,
  successThreshold: 1,
  failureThreshold: 3,
} as const;
export const probe = { exec: { command: ["/bin/check"] }, ...times } as const satisfies Probe;
export const web = { httpGet: { path: "/ready", port: 8080, scheme: "HTTP" }, ...times } as const satisfies Probe;

interface Options {
  readonly probes: Pick<ContainerSpec, "livenessProbe" | "readinessProbe">;
  readonly hostNetwork?: true;
  /** Milliseconds that the container has run when the prober begins. */
  readonly ranMs?: number;
}

/** A prober on virtual time, with one running container and an engine that answers as it is told. */
export function bench({ probes, hostNetwork, ranMs = 0 }: Options) {
  const clock = virtualClock();
  const { http, behave, requests } = fakeHttp(clock);
  const plain = desiredPod();
  const containers = plain.pod.spec.containers.map((one) => ({ ...one, ...probes }));
  const spec = { ...plain.pod.spec, containers, ...(hostNetwork === undefined ? {} : { hostNetwork }) };
  const desired: DesiredPod = { ...plain, pod: withSpec(plain.pod, spec) };
  const startedAt = "2026-11-22T12:00:00Z";
  const events: PodEvent[] = [];
  const woken: string[] = [];
  const failures: string[] = [];
  const execs: number[] = [];
  const live = {
    begins: true,
    exec: async (_signal: AbortSignal): Promise<EngineResult<ExecResult>> => ok({ exitCode: 0, output: "" }),
    isAlive: async (_signal: AbortSignal): Promise<EngineResult<boolean>> => ok(true),
  };
  const observed = container(desired.pod, { kind: "running", startedAt }, hostNetwork ? {} : { ip: "172.17.0.2" });
  const engine = {
    exec: (_id: string, _command: readonly string[], signal: AbortSignal, started: (program: string) => void) => {
      execs.push(clock.mono());
      if (live.begins) started("1");
      return live.exec(signal);
    },
    isAlive: (_id: string, _program: string, signal: AbortSignal) => live.isAlive(signal),
  } as unknown as Engine;
  const prober = createProber({
    engine,
    http,
    clock,
    random: { next: () => 0.5, uuid: () => "" },
    device: { hostIp: () => "10.0.0.9" },
    events: createEventRecorder({
      store: { events: { append: (event) => void events.push(event) } },
      clock,
      log: { write: () => {} },
    }),
    wakePod: (key) => void woken.push(key),
    onFailed: (key, error) => void failures.push(`${key} ${error}`),
  });
  const began = clock.mono();
  const seenRunning = { wall: clock.wall(), mono: began - ranMs, bootId: clock.bootId() };
  const history = {
    app: historyOf(desired.pod, { current: { id: observed.id, startedAt, seenRunning, engineRunId: null } }),
  };
  const follow = (
    changes: { desired?: DesiredPod | null; isDeleted?: boolean; observed?: readonly ObservedContainer[] } = {},
  ) => prober.sync(desired.pod.id, { desired, isDeleted: false, observed: [observed], history, ...changes });
  const verdict = () => follow()[observed.id];
  return {
    clock,
    behave,
    requests,
    events,
    woken,
    failures,
    execs,
    live,
    prober,
    began,
    follow,
    verdict,
    observed,
    desired,
  };
}

export const ok = <T>(value: T): EngineResult<T> => ({ ok: true, value });
export const failing = async (): Promise<EngineResult<ExecResult>> => ok({ exitCode: 3, output: "not today" });
export const unavailable = async () => ({
  ok: false as const,
  error: { kind: "unavailable" as const, operation: "exec", message: "connect ENOENT" },
});
export const never = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
export const words = (events: readonly PodEvent[]) => events.map((one) => `${one.reason}: ${one.message}`);
