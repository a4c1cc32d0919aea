import { printable } from "../core/base/printable.ts";
import { parseDuration } from "../core/pod/time.ts";
import { currentStatus } from "./current-status.ts";
import { readConfig } from "./device-store.ts";
import { namedPod, noSuchPod } from "./named-pod.ts";
import { exitCodes, type Output } from "./output.ts";
import { reasonOf } from "./status-page.ts";
import { type WaitCondition, type WaitEnd, waitForPod } from "./wait-for-pod.ts";

export interface WaitOptions {
  readonly config?: string;
  readonly json: boolean;
  readonly for: string;
  readonly timeout: string;
}

/** As kubectl calls them, too. */
const conditions: ReadonlyMap<string, WaitCondition> = new Map([
  ["ready", "Ready"],
  ["condition=ready", "Ready"],
  ["deleted", "Deleted"],
  ["delete", "Deleted"],
]);

/** `edge wait NAME` (contracts.md): ends when the pod is ready or deleted, or with the cause when time is up. */
export async function waitCommand(
  name: string,
  { config: file, json, for: text, timeout }: WaitOptions,
  io: Output,
  signal: AbortSignal,
): Promise<number> {
  const condition = conditions.get(text.toLowerCase());
  const timeoutMs = parseDuration(timeout);
  if (condition === undefined) io.err(`--for takes Ready or Deleted: current value is ${text}`);
  else if (timeoutMs === null) io.err(`--timeout takes a duration such as 30s or 5m: current value is ${timeout}`);
  if (condition === undefined || timeoutMs === null) return exitCodes.usage;
  const read = await readConfig(file, io);
  if (read === null) return exitCodes.usage;
  const current = await currentStatus(file, io);
  if (!current.ok) return current.code;
  const named = namedPod(name, null, current.document.pods);
  if (named.kind !== "found") {
    // A script that deletes and waits is too late where the pod is gone already.
    if (condition === "Deleted" && (named.kind === "past" || named.code === exitCodes.no)) {
      if (!json) io.out(`There is no pod ${name} on this device`);
      return exitCodes.fine;
    }
    return named.kind === "none" ? noSuchPod(named, io) : exitCodes.no;
  }
  if (!current.document.agent.running) io.err("The agent is not running. Start it: systemctl start edge");
  const wait = { pod: named.pod, condition, timeoutMs, onProgress: () => undefined };
  const end = await waitForPod(read.config, wait, signal);
  const podName = named.pod.name;
  const isMet = end.kind === "met";
  if (json) io.out(JSON.stringify({ pod: podName, condition, met: isMet, status: end.row?.status ?? null }));
  if (end.kind === "aborted") {
    io.err(stoppedWaiting(podName));
    return exitCodes.no;
  }
  if (isMet && !json) io.out(`Pod ${podName} is ${condition === "Ready" ? "ready" : "deleted"}`);
  if (!isMet) for (const line of whyNot(podName, condition, timeout, end)) io.err(line);
  return isMet ? exitCodes.fine : exitCodes.no;
}

/** For somebody who ends a command that waits: what it waits for is the agent's work. */
export function stoppedWaiting(name: string): string {
  return `Stopped waiting for pod ${name}. The agent goes on with it: see edge pod ${name}`;
}

/** What holds the pod up, and what to do about it. */
export function whyNot(
  name: string,
  condition: WaitCondition,
  timeout: string,
  { kind, row, isOutdated, isWatched }: WaitEnd,
): readonly string[] {
  const wanted = condition === "Ready" ? "ready" : "deleted";
  if (row === null) return [`Pod ${name} is not ${wanted} after ${timeout}: it is not on this device`];
  if (!isWatched && condition === "Ready")
    return [`It is unknown after ${timeout} whether pod ${name} is ready: the agent is not running`];
  const reason = reasonOf(row, Date.now());
  const state = `${row.status}${reason === null ? "" : `, ${printable(reason)}`}`;
  const old = isOutdated && condition === "Ready" ? " The version before its last change still runs." : "";
  return [
    kind === "aborted"
      ? `Pod ${name} is not ${wanted}: ${state}`
      : kind === "never"
        ? `Pod ${name} has ended and will not be ready: ${state}`
        : `Pod ${name} is not ${wanted} after ${timeout}: ${state}.${old}`,
    ...(row.todo === undefined ? [] : [`To do: ${printable(row.todo)}`]),
  ];
}
