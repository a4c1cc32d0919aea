import { type SafeMode, safeModeEnds, safeModeMs } from "../../core/node/safe-mode.ts";
import { formatTime } from "../../core/pod/time.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { type ParkedPodsParts, putReason } from "./parked-pods.ts";

export interface HeldPods {
  /**
   * Milliseconds for which this pod is held, null if it is not. A held pod says so in its status; one that is only to be
   * deleted is never held.
   */
  hold(pod: { readonly namespace: string; readonly name: string }): number | null;
  /** A message has changed what is wanted of this pod: it is held no longer. */
  release(key: string): void;
  /** For `edge status`; null outside safe mode. */
  notice(): string | null;
  /** Ends safe mode when its time is over. */
  run(signal: AbortSignal): Promise<void>;
}

export interface HeldPodsParts extends ParkedPodsParts {
  readonly events: EventRecorder;
  /** Absent or null in a usual start. */
  readonly safeMode?: SafeMode | null;
  /** Safe mode has begun or ended: it shows in `edge status`. */
  readonly onSafeModeChanged: () => void;
}

const reason = "SafeMode";

/**
 * Safe mode: the link, status and deletes work, and pods that were being worked on when the process ended by itself stay as
 * they are. A message for a pod releases it; ten minutes after the last such end all are released.
 */
export function createHeldPods(parts: HeldPodsParts): HeldPods {
  const { safeMode = null, store, clock, events } = parts;
  const released = new Set<string>();
  const leftMs = (): number => (safeMode === null ? 0 : safeMode.untilMono - clock.mono());

  function record(message: string): void {
    events.recordDeviceEvent({ type: "Warning", reason, message });
  }

  function notice(): string | null {
    if (safeMode === null || leftMs() <= 0) return null;
    const pods =
      safeMode.held === null ? "all pods" : [...safeMode.held].filter((key) => !released.has(key)).join(", ");
    const until = formatTime(clock.wall() + leftMs());
    return `Safe mode: the agent ended by itself ${safeModeEnds} times within ${safeModeMs / 60_000} minutes (${safeMode.why}). Held: ${pods}. A message for a pod releases it; all are released at ${until}.`;
  }

  return {
    notice,
    hold(pod) {
      const key = `${pod.namespace}/${pod.name}`;
      const ms = leftMs();
      if (safeMode === null || ms <= 0 || released.has(key)) return null;
      if (safeMode.held !== null && !safeMode.held.has(key)) return null;
      if (store.desiredPods.get(pod.namespace, pod.name) === null) return null;
      putReason(
        parts,
        pod,
        reason,
        "The agent is in safe mode and leaves this pod as it is. A message for it releases it.",
      );
      return ms;
    },
    release(key) {
      released.add(key);
    },
    async run(signal) {
      const begun = notice();
      if (begun === null) return;
      record(begun);
      await clock.sleep(leftMs(), signal);
      if (signal.aborted) return;
      record("Safe mode has ended: all pods are released.");
      parts.onSafeModeChanged();
    },
  };
}
