import type { ProbeResult } from "../../core/pod/probe.ts";
import type { Probe } from "../../core/pod/spec.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Engine, EngineResult, ExecResult } from "../../ports/engine.ts";
import type { HttpAnswer, HttpProbe } from "../../ports/http.ts";
import { withDeadline } from "../loop/deadline.ts";
import type { Limiter } from "../loop/limiter.ts";
import { withTimeout } from "../loop/with-timeout.ts";

export interface ProbeRunnerParts {
  readonly engine: Engine;
  readonly http: HttpProbe;
  readonly clock: Clock;
  /** The engine has not begun a program within 2 s, which takes a tenth of one: the container is to be looked at. */
  readonly onSilent: () => void;
}

export interface ProbedContainer {
  readonly id: string;
  /** Where HTTP probes that name no host of their own go; "" while the container has no address. */
  readonly host: string;
}

/** Looks at a container once; null when nothing can be said, which is no failure (kubelet: a prober error is thrown away). */
export type ProbeRunner = (signal: AbortSignal) => Promise<ProbeResult | null>;

/** Whoever runs the container and does not say within this what lives in it does not know, or hangs himself. */
const aliveDeadlineMs = 2_000;
/** A program that has not begun by then may be one that never does. */
const silentMs = 2_000;
/** What the engine has not begun within this is not the container's failure. */
const startDeadlineMs = 10_000;
const longestMessage = 256;

/** @param turns lets the programs of one container's probes run one after the other */
export function probeRunner(
  parts: ProbeRunnerParts,
  probe: Probe,
  container: ProbedContainer,
  turns: Limiter,
): ProbeRunner {
  const { exec, httpGet } = probe;
  const timeoutMs = probe.timeoutSeconds * 1000;
  if (exec !== undefined) return execRunner(parts, { command: exec.command, timeoutMs, id: container.id, turns });
  if (httpGet === undefined) return async () => null;
  return async (signal) => {
    const host = httpGet.host === undefined || httpGet.host === "" ? container.host : httpGet.host;
    if (host === "") return null;
    const given = new AbortController();
    const giveUp = (): void => given.abort();
    signal.addEventListener("abort", giveUp, { once: true });
    const asked = parts.http.get({ ...httpGet, host }, given.signal);
    const { answer, stalled } = await withTimeout(parts.clock, timeoutMs, asked, signal);
    giveUp();
    signal.removeEventListener("abort", giveUp);
    if (stalled) return null;
    return httpResult(answer ?? lateAnswer(await asked, probe.timeoutSeconds));
  };
}

/** What a request that was given up came to: its status may have arrived, and its body not. */
function lateAnswer(given: HttpAnswer, timeoutSeconds: number): HttpAnswer {
  if (!given.ok && given.isCutOff === true) return given;
  return { ok: false, message: `no answer within ${timeoutSeconds} s` };
}

/**
 * Kubelet `pkg/probe/http`: 200 to 399 is good. Whatever goes wrong before the status is the container's failure; a body that
 * breaks off or stalls after it is an error of the probe, which is no result.
 */
function httpResult(answer: HttpAnswer): ProbeResult | null {
  if (!answer.ok) {
    return answer.isCutOff === true ? null : { good: false, message: answer.message.slice(0, longestMessage) };
  }
  return { good: answer.status >= 200 && answer.status < 400, message: `HTTP ${answer.status}` };
}

interface ExecProbe {
  readonly id: string;
  readonly command: readonly string[];
  readonly timeoutMs: number;
  readonly turns: Limiter;
}

/** One program on its way. */
interface Living {
  /** Resolves when it has begun, or the engine is done with it. */
  readonly begun: Promise<true>;
  /** What the engine calls it, and when it was seen to run; null until then. */
  readonly seen: { readonly program: string; readonly mono: number } | null;
  readonly ended: Promise<EngineResult<ExecResult>>;
}

const never: Promise<never> = new Promise(() => {});

/**
 * Docker cannot end a program that takes too long. While it lives the probe has failed, and no second one is started:
 * a program that hangs would fill the container with copies of itself.
 */
function execRunner({ engine, clock, onSilent }: ProbeRunnerParts, probe: ExecProbe): ProbeRunner {
  let living: Living | null = null;

  const start = (signal: AbortSignal): Living => {
    const begun = Promise.withResolvers<true>();
    const run: { -readonly [K in keyof Living]: Living[K] } = { begun: begun.promise, seen: null, ended: never };
    const started = (program: string): void => {
      run.seen = { program, mono: clock.mono() };
      begun.resolve(true);
    };
    run.ended = engine.exec(probe.id, probe.command, signal, started).finally(() => {
      living = null;
    });
    // What the engine refuses is over as well, and a bug is to be heard of by whoever waits.
    run.ended.then(() => begun.resolve(true), begun.reject);
    living = run;
    return run;
  };

  /** It is late; or is it the engine that says nothing? Its silence must not end a container. */
  const hangs = async (late: Living, signal: AbortSignal): Promise<ProbeResult | null> => {
    const { seen } = late;
    if (seen === null || clock.mono() - seen.mono < probe.timeoutMs) return null;
    const alive = await withDeadline(clock, aliveDeadlineMs, signal, (s) => engine.isAlive(probe.id, seen.program, s));
    if (living !== late || !alive.ok || !alive.value) return null;
    return { good: false, message: `${probe.command[0]} has not ended within ${probe.timeoutMs / 1000} s` };
  };

  const hasBegun = async ({ begun }: Living, signal: AbortSignal): Promise<boolean> => {
    if ((await withTimeout(clock, silentMs, begun, signal)).answer !== null) return true;
    if (signal.aborted) return false;
    onSilent();
    return (await withTimeout(clock, startDeadlineMs - silentMs, begun, signal)).answer !== null;
  };

  return async (signal) => {
    if (living !== null) {
      if (living.seen === null) onSilent();
      return hangs(living, signal);
    }
    return probe.turns(async () => {
      if (signal.aborted) return null;
      const run = start(signal);
      if (!(await hasBegun(run, signal))) return null;
      const { answer, stalled } = await withTimeout(clock, probe.timeoutMs, run.ended, signal);
      if (signal.aborted || stalled) return null;
      return answer === null ? hangs(run, signal) : execResult(answer);
    });
  };
}

function execResult(answer: EngineResult<ExecResult>): ProbeResult | null {
  if (!answer.ok) return null;
  const { exitCode, output } = answer.value;
  const detail = output === "" ? "" : `: ${output.slice(0, longestMessage)}`;
  return { good: exitCode === 0, message: `exit code ${exitCode}${detail}` };
}
