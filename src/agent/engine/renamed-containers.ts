import { containerName } from "../../core/pod/identity.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import { podKey } from "../../core/pod/spec.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Engine } from "../../ports/engine.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { withDeadline } from "../loop/deadline.ts";

export interface RenamedContainersParts {
  readonly engine: Pick<Engine, "rename">;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, "recordPodEvent">;
}

/** Containers of ours that somebody has given another name. */
export interface RenamedContainers {
  /** Gives each its name back. What cannot be renamed, since its name is taken, is told once and tried again the next time. */
  putRight(ours: readonly ObservedContainer[], signal: AbortSignal): Promise<void>;
}

const deadlineMs = 30_000;

/** A name is what people and the engine's own tools find a container by; its labels say whose it is meanwhile. */
export function createRenamedContainers({ engine, clock, events }: RenamedContainersParts): RenamedContainers {
  let recorded: ReadonlyMap<string, string> = new Map();

  return {
    async putRight(ours, signal) {
      const next = new Map<string, string>();
      for (const container of ours) {
        if (container.renamed === undefined || container.state.kind === "unknown") continue;
        const name = containerName(container);
        const result = await withDeadline(clock, deadlineMs, signal, (s) => engine.rename(container.id, name, s));
        const how = result.ok
          ? `it is called ${name} again`
          : `it cannot be called ${name} again: ${result.error.message}`;
        const message = `Container ${container.id.slice(0, 12)} was renamed to ${container.renamed} by hand; ${how}`;
        if (!result.ok) next.set(container.id, message);
        if (recorded.get(container.id) === message) continue;
        events.recordPodEvent(podKey(container.pod), {
          type: "Warning",
          container: container.container,
          reason: "ContainerRenamed",
          message,
        });
      }
      recorded = next;
    },
  };
}
