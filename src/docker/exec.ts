import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { EngineResult, ExecResult } from "../ports/engine.ts";
import { at, listAt, textAt } from "./answer.ts";
import { type Connection, openStream, request } from "./connection.ts";
import { failed, failure, statusOf } from "./errors.ts";

/** Kubelet `maxReadLength`: what a program says beyond it is read, so that it does not block, and thrown away. */
const longestOutput = 10 * 1024;
/** In front of every piece of output stand eight bytes: which stream it is of, and its length. */
const frameHeader = 8;
/** Most probes have ended by then, and cost no further call. */
const firstLookMs = 100;
const longestWaitMs = 1_000;

/**
 * Runs a program in a running container, as the container's user, until it ends. Throws as dockerode does. Giving up
 * leaves it running: Docker has no call that ends it.
 */
export async function exec(
  docker: Docker,
  id: string,
  command: readonly string[],
  signal: AbortSignal,
  started: (program: string) => void,
): Promise<EngineResult<ExecResult>> {
  const options = { AttachStdin: false, AttachStdout: true, AttachStderr: true, Tty: false, Cmd: command };
  const made = await request(docker, "POST", `/containers/${id}/exec`, options, signal);
  const execId = textAt(made, "Id");
  if (!/^[0-9a-f]+$/.test(execId)) return failed(failure("exec", "failed", "The engine's answer has no exec id"));
  let text: string;
  try {
    text = await output(docker, execId, signal, started);
  } catch (cause) {
    // A program that is not in the image: some engines refuse, others say so in the output; the exit code is the same.
    if (statusOf(cause) === null) throw cause;
    const refused = await exitCodeOf(docker, execId, signal);
    if (refused === null || refused === 0) throw cause;
    return { ok: true, value: { exitCode: refused, output: String(cause) } };
  }
  const exitCode = await exitCodeOf(docker, execId, signal);
  if (exitCode === null) return failed(failure("exec", "failed", "The engine does not say how the program ended"));
  return { ok: true, value: { exitCode, output: text } };
}

/**
 * Whether it is among the processes that containerd knows in the container: docker itself goes on believing in it for as
 * long as containerd hangs. Throws as dockerode does.
 */
export async function isAlive(
  { docker, product }: Pick<Connection, "docker" | "product">,
  id: string,
  execId: string,
  signal: AbortSignal,
): Promise<EngineResult<boolean>> {
  // Podman counts as the container does, unless it is asked for the host's ids in a word of its own.
  const known = await processes(docker, { id, args: product === "podman" ? "hpid" : "-eo pid" }, signal);
  const pid = await pidOf(docker, execId, signal);
  return { ok: true, value: pid !== null && (known === null || known.includes(String(pid))) };
}

/** Null on a host without `ps`, which dockerd looks for once containerd has answered. */
async function processes(
  docker: Docker,
  { id, args }: { readonly id: string; readonly args: string },
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  try {
    const answer = await request(docker, "GET", `/containers/${id}/top?`, { _query: { ps_args: args } }, signal);
    return listAt(answer, "Processes").map((row) => textAt(row, "0").trim());
  } catch (cause) {
    if (statusOf(cause) !== null && /"?ps"?: executable file not found/.test(String(cause))) return null;
    throw cause;
  }
}

/** Starts it and reads until it has ended; gives the beginning of what it said. */
async function output(
  docker: Docker,
  execId: string,
  signal: AbortSignal,
  started: (program: string) => void,
): Promise<string> {
  const stream = await openStream(docker, "POST", `/exec/${execId}/start`, { Detach: false, Tty: false }, signal);
  const over = new AbortController();
  void untilBegun(docker, execId, AbortSignal.any([signal, over.signal]), started);
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      if (!Buffer.isBuffer(chunk) || length >= longestOutput) continue;
      pieces.push(chunk);
      length += chunk.length;
    }
  } finally {
    over.abort();
  }
  return unframed(Buffer.concat(pieces).subarray(0, longestOutput));
}

/** Docker answers a start before containerd has heard of it; that the program has a process id says that it runs. */
async function untilBegun(
  docker: Docker,
  execId: string,
  signal: AbortSignal,
  started: (program: string) => void,
): Promise<void> {
  for (let waitMs = firstLookMs; !signal.aborted; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    // A look that fails says nothing, and the next one may.
    const pid = signal.aborted ? null : await pidOf(docker, execId, signal).catch(() => null);
    if (pid === null || signal.aborted) continue;
    started(execId);
    return;
  }
}

/** Null before it began and after it ended, as far as docker has heard. */
async function pidOf(docker: Docker, execId: string, signal: AbortSignal): Promise<number | null> {
  const answer = await request(docker, "GET", `/exec/${execId}/json`, {}, signal);
  const pid = at(answer, "Pid");
  return typeof pid === "number" && pid > 0 && at(answer, "Running") === true ? pid : null;
}

/** Null while it runs, or when the engine does not know. */
async function exitCodeOf(docker: Docker, execId: string, signal: AbortSignal): Promise<number | null> {
  const answer = await request(docker, "GET", `/exec/${execId}/json`, {}, signal);
  const exitCode = at(answer, "ExitCode");
  return typeof exitCode === "number" && at(answer, "Running") !== true ? exitCode : null;
}

function unframed(bytes: Buffer): string {
  const pieces: Buffer[] = [];
  for (let start = 0; start + frameHeader <= bytes.length; ) {
    const end = start + frameHeader + bytes.readUInt32BE(start + 4);
    pieces.push(bytes.subarray(start + frameHeader, end));
    start = end;
  }
  return Buffer.concat(pieces).toString("utf8").trim();
}
