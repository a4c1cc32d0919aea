import { type ContainerTrouble, containerTroubles } from "../../core/pod/container-trouble.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import { podKey } from "../../core/pod/spec.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { installIdOf } from "./install-id.ts";

export interface TroubledContainersParts {
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, "recordPodEvent">;
  readonly store: Pick<Store, "getMeta">;
  /** There is something else to show now. */
  readonly onChanged: () => void;
}

/** Containers of ours that somebody has paused, or that the engine does not answer about. */
export interface TroubledContainers {
  /** Takes what a list showed: what is new is an event, and so is its end. */
  onListed(listed: readonly ObservedContainer[]): void;
  /** One line for each, for `edge status`. */
  notices(): readonly string[];
}

interface Noted extends ContainerTrouble {
  /** Monotonic milliseconds at which it was seen first. */
  readonly since: number;
  readonly isRecorded: boolean;
}

/** An engine that starts a container answers nothing else about it meanwhile: that is no trouble. */
const graceMs = 4_000;
const mostNotices = 32;

export function createTroubledContainers(parts: TroubledContainersParts): TroubledContainers {
  const { clock, events } = parts;
  let known: ReadonlyMap<string, Noted> = new Map();

  function record({ container: { pod, container }, reason, message }: ContainerTrouble, type: "Normal" | "Warning") {
    events.recordPodEvent(podKey(pod), { type, container, reason, message });
  }

  function noted(trouble: ContainerTrouble): Noted {
    const before = known.get(trouble.container.id);
    const isSame = before?.message === trouble.message;
    const since = isSame ? before.since : clock.mono();
    const wait = trouble.reason === "ContainerPaused" ? 0 : graceMs;
    const isRecorded = (isSame && before.isRecorded) || clock.mono() - since >= wait;
    if (isRecorded && !(isSame && before.isRecorded)) record(trouble, "Warning");
    return { ...trouble, since, isRecorded };
  }

  return {
    onListed(listed) {
      const installId = installIdOf(parts.store);
      const ours = listed.filter((container) => container.installId === installId);
      const next = new Map(containerTroubles(ours).map((trouble) => [trouble.container.id, noted(trouble)]));
      for (const [id, one] of known) {
        const container = ours.find((other) => other.id === id);
        if (!one.isRecorded || next.has(id) || container === undefined) continue;
        record({ container, reason: "ContainerAnswers", message: "It is no longer paused or unknown" }, "Normal");
      }
      const before = [...known.values()].filter(({ isRecorded }) => isRecorded).map(({ message }) => message);
      known = next;
      const after = [...next.values()].filter(({ isRecorded }) => isRecorded).map(({ message }) => message);
      if (before.join() !== after.join()) parts.onChanged();
    },
    notices: () =>
      [...known.values()]
        .filter(({ isRecorded }) => isRecorded)
        .slice(0, mostNotices)
        .map(({ container, message }) => `${podKey(container.pod)}/${container.container}: ${message}`),
  };
}
