import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { styleText } from "node:util";
import { printable } from "../core/base/printable.ts";
import type { KeptEvent } from "../core/pod/event.ts";
import { podKey } from "../core/pod/spec.ts";
import { formatTime } from "../core/pod/time.ts";
import type { StoreReader } from "../ports/store.ts";
import { openStoreReadOnly } from "../sqlite/store.ts";
import { openDevice } from "./device-store.ts";
import { namedPod, noSuchPod } from "./named-pod.ts";
import { exitCodes, type Output } from "./output.ts";

export interface EventsOptions {
  readonly config?: string;
  readonly json: boolean;
  /** A name, namespace/name, or the beginning of only one. */
  readonly pod?: string;
  readonly follow: boolean;
}

const pageRows = 500;
const pollMs = 1_000;

/**
 * `edge events` (contracts.md): what happened on this device and why, the latest last, from the store; the agent need
 * not run. With `follow` until the signal aborts.
 */
export async function eventsCommand(options: EventsOptions, io: Output, signal: AbortSignal): Promise<number> {
  const opened = await openDevice(options.config, io);
  if (!opened.ok) return opened.code;
  const { store, config } = opened;
  const named = options.pod === undefined ? null : namedPod(options.pod, store);
  // A name that is not known yet may be waited for.
  if (named?.kind === "none" && !(options.follow && named.code === exitCodes.no)) {
    store.close();
    return noSuchPod(named, io);
  }
  const shown = named?.kind === "found" ? { ...options, pod: podKey(named.pod) } : options;
  let last = printAfter(store, 0, shown, io);
  store.close();
  let before = stamp(config.data.dir);
  while (options.follow && !signal.aborted) {
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    const now = stamp(config.data.dir);
    if (signal.aborted || now === before) continue;
    before = now;
    // Opened anew each time: a store whose agent has ended is read as it was then.
    const again = openStoreReadOnly(config.data.dir);
    if (!again.ok) continue;
    last = printAfter(again.store, last, shown, io);
    again.store.close();
  }
  return exitCodes.fine;
}

/** Prints what happened after that id; gives the last one. */
function printAfter(store: StoreReader, after: number, { pod, json }: EventsOptions, io: Output): number {
  let last = after;
  while (true) {
    const rows = store.events.list({ ...(pod === undefined ? {} : { pod }), after: last, limit: pageRows });
    for (const row of rows) io.out(json ? JSON.stringify(document(row)) : eventLine(row));
    last = rows.at(-1)?.id ?? last;
    if (rows.length < pageRows) return last;
  }
}

/** Changes whenever something was written. */
function stamp(dir: string): string {
  const parts = ["store.db", "store.db-wal"].map((name) => {
    const found = statSync(`${dir}/${name}`, { throwIfNoEntry: false });
    return found === undefined ? "" : `${found.size} ${found.mtimeMs}`;
  });
  return parts.join(" ");
}

function document({ at, type, pod, container, reason, message, count, firstWall }: KeptEvent) {
  const first = formatTime(firstWall);
  return { at: formatTime(at.wall), type, pod, container, reason, message, count, first };
}

/** One line for people: when, what, to whom, and how often. */
export function eventLine({ at, type, pod, container, reason, message, count, firstWall }: KeptEvent): string {
  const place =
    pod === "" ? "(device)" : `${pod.slice(pod.indexOf("/") + 1)}${container === "" ? "" : `/${container}`}`;
  const often = count === 1 ? "" : ` (${count} times since ${formatTime(firstWall)})`;
  const kind = type === "Warning" ? styleText("yellow", "Warning") : "Normal ";
  return `${formatTime(at.wall)}  ${kind}  ${reason.padEnd(16)}  ${place}  ${printable(message)}${often}`;
}
