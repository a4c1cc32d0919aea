import { uptime } from "node:os";
import { join } from "node:path";
import type { Clock } from "../ports/clock.ts";
import { readText } from "./files.ts";

/** setTimeout fires at once beyond this. */
const longestSleepMs = 2_147_483_647;

/** What the boot is called where its name cannot be read: in a root without /proc. */
export const unknownBoot = "unknown";

/**
 * The device's clocks: wall time, time since boot, and the name of the boot ({@link unknownBoot} if it cannot be read).
 * @param proc where the kernel shows itself
 */
export function linuxClock(proc = "/proc"): Clock {
  // process.hrtime counts from the process on some runtimes; /proc/uptime is the same for every process.
  const [uptimeSeconds = ""] = readText(join(proc, "uptime")).split(" ");
  const offset = (uptimeSeconds === "" ? uptime() : Number(uptimeSeconds)) * 1000 - performance.now();
  const bootId = readText(join(proc, "sys/kernel/random/boot_id")).trim() || unknownBoot;
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
    // A timer of 0 ms takes 1 ms and more.
    if (ms <= 0) {
      setImmediate(resolve);
      return;
    }
    const timer = setTimeout(wake, Math.min(ms, longestSleepMs));
    signal?.addEventListener("abort", wake, { once: true });
  });
}
