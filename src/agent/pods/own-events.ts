import type { EngineEvent } from "../../ports/engine.ts";

export type OwnEvent = Pick<EngineEvent, "action" | "containerId">;

/**
 * Tells events of what the agent does itself from all others: what it did it knows from the engine's answer, and needs no
 * list for. An event that it cannot tell for certain wakes the pod, and the pod's worker lists the containers.
 */
export interface OwnEvents {
  /** Takes an event of the engine about a container of this pod. */
  hear(key: string, event: OwnEvent): void;
  /**
   * Something is done for this pod: its events wait until it is known what came of that, for the id of a new container is
   * known only then.
   */
  begin(key: string): void;
  /** It is done, and brings these events, each once. They may have come, or come later. */
  end(key: string, expected: readonly OwnEvent[]): void;
  /** A pass over this pod begins: whatever is told from now on is of something else. */
  forget(key: string): void;
}

interface Heard {
  isActing: boolean;
  waiting: readonly OwnEvent[];
  expected: readonly OwnEvent[];
}

/** Of a pod, that wait; what is more wakes the pod at once. */
const mostWaiting = 64;

/** @param wake a pod of which the engine tells something that the agent did not do */
export function createOwnEvents(wake: (key: string) => void): OwnEvents {
  const pods = new Map<string, Heard>();

  function take(key: string, heard: Heard, event: OwnEvent): void {
    const index = heard.expected.findIndex(
      (own) => own.action === event.action && own.containerId === event.containerId,
    );
    if (index < 0) wake(key);
    else heard.expected = heard.expected.toSpliced(index, 1);
  }

  function dropIdle(key: string, heard: Heard): void {
    if (!heard.isActing && heard.expected.length === 0) pods.delete(key);
  }

  return {
    hear(key, event) {
      const heard = pods.get(key);
      if (heard === undefined) return wake(key);
      if (heard.isActing && heard.waiting.length < mostWaiting) {
        heard.waiting = [...heard.waiting, event];
        return;
      }
      take(key, heard, event);
      dropIdle(key, heard);
    },
    begin(key) {
      const heard = pods.get(key) ?? { isActing: true, waiting: [], expected: [] };
      heard.isActing = true;
      pods.set(key, heard);
    },
    end(key, expected) {
      const heard = pods.get(key);
      if (heard === undefined) return;
      const { waiting } = heard;
      heard.isActing = false;
      heard.waiting = [];
      heard.expected = [...heard.expected, ...expected];
      for (const event of waiting) take(key, heard, event);
      dropIdle(key, heard);
    },
    forget(key) {
      pods.delete(key);
    },
  };
}
