import type { Clock } from "../ports/clock.ts";
import type { Supervisor } from "../ports/supervisor.ts";
import type { PodWorkers } from "./pods/pod-workers.ts";

export interface HeartbeatParts {
  readonly clock: Clock;
  readonly podWorkers: Pick<PodWorkers, "nextRound">;
  readonly supervisor: Supervisor | null;
}

/**
 * Tells the supervisor that the agent has started, then that it is alive, each time only once the mailbox, through which
 * every pod is driven, has gone round. An engine or a centre that is away does not matter: an agent that is offline is not
 * to be restarted for it.
 */
export async function runHeartbeat(
  { clock, podWorkers: mailbox, supervisor }: HeartbeatParts,
  signal: AbortSignal,
): Promise<void> {
  if (supervisor === null) return;
  await mailbox.nextRound();
  if (!signal.aborted) supervisor.ready();
  while (!signal.aborted && supervisor.aliveEveryMs !== null) {
    await clock.sleep(supervisor.aliveEveryMs, signal);
    if (signal.aborted) return;
    await mailbox.nextRound();
    supervisor.alive();
  }
}
