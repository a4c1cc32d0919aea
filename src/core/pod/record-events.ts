import type { ContainerHistory } from "./container-history.ts";
import type { PodEvent } from "./event.ts";

/** What a list has added to the history of a container, as events: its end, else its start. */
export function recordEvents(
  container: string,
  before: ContainerHistory | undefined,
  after: ContainerHistory,
): readonly Omit<PodEvent, "pod">[] {
  if (after.termination !== null && after.termination !== before?.termination) {
    const { exitCode, reason, interrupted } = after.termination;
    const how = interrupted ? `${reason}, because the engine or the device stopped` : reason;
    return [
      {
        type: exitCode === 0 && !interrupted ? "Normal" : "Warning",
        container,
        reason: "Exited",
        message: `Exit code ${exitCode} (${how})`,
      },
    ];
  }
  const started = after.current?.startedAt ?? null;
  if (started !== null && (before?.current?.id !== after.current?.id || before?.current?.startedAt !== started)) {
    return [
      {
        type: "Normal",
        container,
        reason: "Started",
        message: `Container ${after.current?.id.slice(0, 12)} runs, attempt ${after.attempt}`,
      },
    ];
  }
  return [];
}
