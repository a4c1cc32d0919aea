import type Docker from "dockerode";
import type { EngineResult, ExecResult } from "../ports/engine.ts";
import { at, textAt } from "./answer.ts";
import { openStream, request } from "./connection.ts";
import { failed, failure, statusOf } from "./errors.ts";

/** Kubelet `maxReadLength`: what a program says beyond it is read, so that it does not block, and thrown away. */
const longestOutput = 10 * 1024;
/** In front of every piece of output stand eight bytes: which stream it is of, and its length. */
const frameHeader = 8;

/**
 * Runs a program in a running container, as the container's user, until it ends. Throws as dockerode does. Giving up
 * leaves it running: Docker has no call that ends it.
 */
export async function exec(
  docker: Docker,
  id: string,
  command: readonly string[],
  signal: AbortSignal,
  started: () => void,
): Promise<EngineResult<ExecResult>> {
  const options = { AttachStdin: false, AttachStdout: true, AttachStderr: true, Tty: false, Cmd: command };
  const made = await request(docker, "POST", `/containers/${id}/exec`, options, signal);
  const execId = textAt(made, "Id");
  if (!/^[0-9a-f]+$/.test(execId)) return failed(failure("exec", "failed", "The engine's answer has no exec id"));
  let said: string;
  try {
    said = await output(docker, execId, signal, started);
  } catch (cause) {
    // A program that is not in the image: some engines refuse, others say so in the output; the exit code is the same.
    if (statusOf(cause) === null) throw cause;
    const refused = await exitCodeOf(docker, execId, signal);
    if (refused === null || refused === 0) throw cause;
    return { ok: true, value: { exitCode: refused, output: String(cause) } };
  }
  const exitCode = await exitCodeOf(docker, execId, signal);
  if (exitCode === null) return failed(failure("exec", "failed", "The engine does not say how the program ended"));
  return { ok: true, value: { exitCode, output: said } };
}

/** Starts it and reads until it has ended; gives the beginning of what it said. */
async function output(docker: Docker, execId: string, signal: AbortSignal, started: () => void): Promise<string> {
  const stream = await openStream(docker, "POST", `/exec/${execId}/start`, { Detach: false, Tty: false }, signal);
  started();
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk) || length >= longestOutput) continue;
    pieces.push(chunk);
    length += chunk.length;
  }
  return unframed(Buffer.concat(pieces).subarray(0, longestOutput));
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
