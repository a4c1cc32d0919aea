import type { Clock } from "../ports/clock.ts";
import type { Supervisor } from "../ports/supervisor.ts";
import type { PodWorkers } from "./pods/pod-workers.ts";

export interface HeartbeatParts {
  readonly clock: Clock;
  readonly podWorkers: Pick<PodWorkers, "nextRound">;
  /** Null or absent: nobody waits for the notices. */
  readonly supervisor?: Supervisor | null;
}

/**
 * Tells the supervisor that the agent has started, then that it is alive, each time only once the loop of the
 * pod workers has gone round. An engine or a center that is away does not matter: an agent that is offline is not
 * to be restarted for it.
 */
export async function runHeartbeat(
  { clock, podWorkers, supervisor = null }: HeartbeatParts,
  signal: AbortSignal,
): Promise<void> {
  if (supervisor === null) return;
  await podWorkers.nextRound();
  if (!signal.aborted) supervisor.ready();
  while (!signal.aborted && supervisor.aliveEveryMs !== null) {
    await clock.sleep(supervisor.aliveEveryMs, signal);
    if (signal.aborted) return;
    await podWorkers.nextRound();
    supervisor.alive();
  }
}
