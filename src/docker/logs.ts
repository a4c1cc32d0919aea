import type { Readable } from "node:stream";
import type { EngineResult } from "../ports/engine.ts";
import { caller, openStream } from "./connection.ts";

/** One line that a container printed. */
export interface LogLine {
  readonly stream: "stdout" | "stderr";
  readonly line: string;
}

export interface LogQuery {
  /** Path of the engine's socket. */
  readonly socket: string;
  readonly container: string;
  /** Goes on until the container ends or the signal aborts. */
  readonly follow: boolean;
  /** Only so many of the last lines; all of them where it is null. */
  readonly tail: number | null;
  /** Only lines from then on, milliseconds since the epoch; all of them where it is null. */
  readonly sinceWall: number | null;
  /** Whether each line begins with the time at which the engine got it, RFC 3339, and a space. */
  readonly timestamps: boolean;
}

/** In front of every piece of output stand eight bytes: which stream it is of, and its length. */
const frameHeader = 8;
/** Where a line is longer it is given out in pieces: a program that prints no newline must not fill the memory. */
const longestLine = 65_536;

/**
 * What a container has printed, through the engine, one line at a time: a reader that is slow holds the engine back.
 * `progressed` is called whenever something has come.
 */
export function containerLogs(
  { socket, container, follow, tail, sinceWall, timestamps }: LogQuery,
  take: (line: LogLine) => void,
  signal: AbortSignal,
  progressed: () => void = () => {},
): Promise<EngineResult<void>> {
  return caller(socket).call("logs", signal, async ({ docker }) => {
    const since = sinceWall === null ? {} : { since: (sinceWall / 1000).toFixed(3) };
    const query = {
      stdout: true,
      stderr: true,
      follow,
      timestamps,
      tail: tail === null ? "all" : String(tail),
      ...since,
    };
    const stream = await openStream(docker, "GET", `/containers/${container}/logs?`, query, signal);
    progressed();
    for await (const line of logLines(stream)) {
      progressed();
      take(line);
    }
    return { ok: true, value: undefined };
  });
}

/** The lines of both streams of a container without a terminal, in the order in which they came. */
export async function* logLines(stream: Readable): AsyncGenerator<LogLine, void, undefined> {
  const rest: Record<LogLine["stream"], Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  let waiting: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue;
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    while (waiting.length >= frameHeader) {
      const end = frameHeader + waiting.readUInt32BE(4);
      if (waiting.length < end) break;
      const name = waiting[0] === 2 ? "stderr" : "stdout";
      const { lines, left } = split(Buffer.concat([rest[name], waiting.subarray(frameHeader, end)]));
      waiting = waiting.subarray(end);
      rest[name] = left;
      for (const line of lines) yield { stream: name, line };
    }
  }
  for (const name of ["stdout", "stderr"] as const) {
    if (rest[name].length > 0) yield { stream: name, line: rest[name].toString("utf8") };
  }
}

function split(bytes: Buffer): { readonly lines: readonly string[]; readonly left: Buffer } {
  const lines: string[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    lines.push(bytes.toString("utf8", start, end));
    start = end + 1;
  }
  while (bytes.length - start > longestLine) {
    lines.push(bytes.toString("utf8", start, start + longestLine));
    start += longestLine;
  }
  return { lines, left: Buffer.from(bytes.subarray(start)) };
}
