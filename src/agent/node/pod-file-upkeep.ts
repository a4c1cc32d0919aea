import type { Clock } from "../../ports/clock.ts";
import type { PodFiles } from "../../ports/pod-files.ts";

/** How long a container may write its last words with no bound but the disk's. */
const trimMs = 1_000;
/** How long a pod may go on asking name servers that the host does not ask any more: ten of those. */
const trimsPerRefresh = 10;

/** Looks after the files that containers have from the agent for as long as it runs. */
export async function runPodFileUpkeep(podFiles: PodFiles, clock: Clock, signal: AbortSignal): Promise<void> {
  let rounds = 0;
  while (!signal.aborted) {
    podFiles.terminationLogs.trim();
    if (rounds % trimsPerRefresh === 0) podFiles.refreshResolvConf();
    rounds += 1;
    await clock.sleep(trimMs, signal);
  }
}
