import { setTimeout as sleep } from "node:timers/promises";
import { printable } from "../core/base/printable.ts";
import type { Config } from "../core/config/config.ts";
import type { PodId } from "../core/pod/spec.ts";
import type { PodRow } from "../core/status-document.ts";
import type { Output } from "./output.ts";
import { reasonOf } from "./status-page.ts";
import { stoppedWaiting, whyNot } from "./wait.ts";
import { waitForPod } from "./wait-for-pod.ts";

export interface ReadyWait {
  /** For each pod. */
  readonly timeoutMs: number;
  /** As it was typed. */
  readonly timeout: string;
  /** A program that ends within this time after its pod was ready did not start well; 2 s if absent. */
  readonly settleMs?: number;
}

/** A pod that became ready while somebody waited for it. */
interface ReadyPod {
  readonly pod: PodId;
  readonly restarts: number;
}

/**
 * Prints each state of the pods until they are ready, one after the other, and then once more of those that do not stay so.
 * A pod that completes is as good as ready. Gives whether all of them are.
 */
export async function waitUntilReady(
  config: Config,
  pods: readonly PodId[],
  wait: ReadyWait,
  io: Output,
  signal: AbortSignal,
): Promise<boolean> {
  const fresh: ReadyPod[] = [];
  let isFine = true;
  for (const pod of pods) {
    const end = await untilReady(config, pod, wait, io, signal);
    if (end === "failed") isFine = false;
    else if (end !== null) fresh.push(end);
    if (signal.aborted) return isFine;
  }
  if (fresh.length === 0) return isFine;
  await sleep(wait.settleMs ?? 2_000, undefined, { signal }).catch(() => undefined);
  for (const ready of fresh) {
    if (signal.aborted) break;
    if (!(await staysReady(config, ready, io, signal))) isFine = false;
  }
  return isFine;
}

/** Null for a pod that was ready before or has completed. A cause that somebody has to see to ends the wait. */
async function untilReady(
  config: Config,
  pod: PodId,
  { timeoutMs, timeout }: ReadyWait,
  io: Output,
  signal: AbortSignal,
): Promise<ReadyPod | "failed" | null> {
  const startedAt = performance.now();
  const stuck = new AbortController();
  let looks = 0;
  const onProgress = (row: PodRow, isOutdated: boolean): void => {
    looks += 1;
    const reason = row.reason ?? "";
    const isStopping = reason.endsWith(" to stop");
    // The version before the change may have troubles of its own.
    if (isOutdated && !isStopping && !reason.includes("The update waits for")) return;
    if (isOutdated) io.out(`  ${printable(reason)}`);
    else if (row.status !== "Running" && row.phase !== "Succeeded") io.out(`  ${row.status}${waitText(row)}`);
    if (row.todo !== undefined && !isStopping) stuck.abort();
  };
  const wait = { pod, condition: "Ready", timeoutMs, onProgress } as const;
  const end = await waitForPod(config, wait, AbortSignal.any([signal, stuck.signal]));
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (end.kind === "met") {
    io.out(`Pod ${pod.name} is ready after ${seconds} s`);
    // What was ready at the first look was so before this change.
    return looks > 1 ? { pod, restarts: end.row?.restarts ?? 0 } : null;
  }
  if (end.kind === "never" && end.row?.phase === "Succeeded") {
    io.out(`Pod ${pod.name} has completed after ${seconds} s`);
    return null;
  }
  if (signal.aborted) io.err(stoppedWaiting(pod.name));
  else for (const line of whyNot(pod.name, "Ready", timeout, end)) io.err(line);
  return "failed";
}

/** What the pod waits for. A cause that somebody has to see to is printed at the end. */
function waitText({ reason, todo }: PodRow): string {
  return reason === null || todo !== undefined ? "" : `: ${printable(reason)}`;
}

async function staysReady(
  config: Config,
  { pod, restarts }: ReadyPod,
  io: Output,
  signal: AbortSignal,
): Promise<boolean> {
  const look = { pod, condition: "Ready", timeoutMs: 0, onProgress: () => undefined } as const;
  const { kind, row } = await waitForPod(config, look, signal);
  // Of a pod that cannot be seen now, nothing new is known.
  if (row === null || row.lastSeen !== undefined || row.phase === "Succeeded") return true;
  if (kind === "met" && row.restarts <= restarts) return true;
  const reason = reasonOf(row, Date.now());
  io.err(`Pod ${pod.name} did not stay ready: ${row.status}${reason === null ? "" : `, ${printable(reason)}`}`);
  io.err(`To do: ${printable(row.todo ?? `See what its last run printed: edge logs -p ${pod.name}`)}`);
  return false;
}
