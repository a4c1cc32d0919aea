import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A file's text, or undefined when it cannot be read: processes and their files vanish at any time. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Whether a process still runs; a zombie has ended. */
export function isRunning(pid: number): boolean {
  const stat = readText(`/proc/${pid}/stat`);
  return stat !== undefined && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

/** The ids of all running processes whose command line and control groups satisfy the condition. */
export function findProcesses(condition: (commandLine: string, cgroup: string) => boolean): readonly number[] {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.filter(
    (pid) =>
      pid !== process.pid &&
      isRunning(pid) &&
      condition(readText(`/proc/${pid}/cmdline`) ?? "", readText(`/proc/${pid}/cgroup`) ?? ""),
  );
}

/** Sends a signal to processes, some of which may already be gone. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself.
    }
  }
}

/** Waits until a condition holds; false when the deadline came first. */
export async function waitUntil(condition: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await sleep(20);
  }
  return true;
}
