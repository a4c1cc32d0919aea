import { readFileSync } from "node:fs";
import type { Clock } from "../ports/clock.ts";

/** setTimeout fires at once beyond this. */
const longestSleepMs = 2_147_483_647;

/** The device's clocks: wall time, time since boot, and the name of the boot. */
export function linuxClock(): Clock {
  // process.hrtime counts from the process on some runtimes; /proc/uptime is the same for every process.
  const [uptimeSeconds = "0"] = readFileSync("/proc/uptime", "utf8").split(" ");
  const offset = Number(uptimeSeconds) * 1000 - performance.now();
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return {
    wall: () => Date.now(),
    mono: () => performance.now() + offset,
    bootId: () => bootId,
    sleep,
  };
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      // A listener left behind on a signal that lives as long as the process is a leak with every sleep.
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, Math.min(Math.max(0, ms), longestSleepMs));
    signal?.addEventListener("abort", wake, { once: true });
  });
}
