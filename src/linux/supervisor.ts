import { execFile } from "node:child_process";
import type { Log } from "../ports/log.ts";
import type { Supervisor } from "../ports/supervisor.ts";

/** Far below the watchdog's time; systemd-notify waits until systemd has taken what it says. */
const notifyTimeoutMs = 10_000;

/**
 * systemd, as sd_notify(3) has it. Its socket takes datagrams, which Node cannot send on unix sockets, so each message is a
 * run of `systemd-notify`; one at a time. Null when nobody wants to hear anything.
 * @param env NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID
 */
export function systemdSupervisor(env: Readonly<NodeJS.ProcessEnv>, log: Log): Supervisor | null {
  if (env.NOTIFY_SOCKET === undefined || env.NOTIFY_SOCKET === "") return null;
  let isSpeaking = false;
  const notify = (message: string): void => {
    if (isSpeaking) return;
    isSpeaking = true;
    execFile("systemd-notify", [message], { timeout: notifyTimeoutMs, env: { ...env } }, (error) => {
      isSpeaking = false;
      if (error !== null) log.write("error", "systemd-notify failed", { message, why: error.message });
    });
  };
  return { aliveEveryMs: watchdogPeriod(env), ready: () => notify("READY=1"), alive: () => notify("WATCHDOG=1") };
}

/** A third of the watchdog's time, so that one message may be lost. */
function watchdogPeriod({ WATCHDOG_USEC, WATCHDOG_PID }: Readonly<NodeJS.ProcessEnv>): number | null {
  const microseconds = Number(WATCHDOG_USEC);
  const isForUs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
  return isForUs && microseconds > 0 ? microseconds / 3_000 : null;
}
