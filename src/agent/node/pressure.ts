import type { Condition } from "../../core/node/conditions.ts";
import { heldBy, judgePressure } from "../../core/node/pressure.ts";
import type { Waiting } from "../../core/pod/situation.ts";
import type { Clock } from "../../ports/clock.ts";
import type { NodeDevice } from "../../ports/node-device.ts";
import type { EventRecorder } from "../event-recorder.ts";

export interface PressureParts {
  readonly device: NodeDevice;
  readonly clock: Clock;
  readonly events: EventRecorder;
  /** The engine's data folder, null while it is not known. */
  readonly engineRoot: () => string | null;
  /** A condition has changed: it shows, and whoever waits for it may look again. */
  readonly onConditionChanged: () => void;
}

export interface Pressure {
  conditions(): readonly Condition[];
  /** Why new pods are to wait, null when they are not. */
  startsHeld(): Waiting | null;
  /** Looks at once: more may be known now. */
  measureNow(): void;
  run(signal: AbortSignal): Promise<void>;
}

/** As often as the kubelet looks (`--eviction-monitoring-period`). */
const periodMs = 10_000;

/** Watches what the device has left, and tells when it runs short and when it no longer does. */
export function createPressure(parts: PressureParts): Pressure {
  const { device, clock } = parts;
  let conditions: readonly Condition[] = [];
  const measureNow = (): void => {
    const before = conditions;
    conditions = judgePressure(before, device.usage(parts.engineRoot()), clock.wall());
    const changed = conditions.filter((condition) => statusIn(before, condition.type) !== condition.status);
    for (const candidate of changed) recordCondition(parts, candidate, statusIn(before, candidate.type));
    if (changed.length > 0 && before.length > 0) parts.onConditionChanged();
  };
  measureNow();
  return {
    conditions: () => conditions,
    startsHeld: () => heldBy(conditions),
    measureNow,
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(periodMs, signal);
        if (!signal.aborted) measureNow();
      }
    },
  };
}

function statusIn(conditions: readonly Condition[], type: string): Condition["status"] {
  return conditions.find((condition) => condition.type === type)?.status ?? "False";
}

function recordCondition({ events }: PressureParts, condition: Condition, before: Condition["status"]): void {
  // What becomes unknown, or known again, has happened to nobody.
  if (condition.status === "Unknown" || (before === "Unknown" && condition.status === "False")) return;
  const type = condition.status === "True" ? "Warning" : "Normal";
  const message = `${condition.type} is ${condition.status}: ${condition.message}`;
  events.recordDeviceEvent({ type, reason: condition.reason, message });
}
