import type { PodEvent } from "../../core/pod/event.ts";
import {
  keptRefusals,
  refusedUpdatesKey,
  shownReasons,
  withoutPod,
  withRefusal,
} from "../../core/pod/refused-update.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";

/** A message that was refused: which pod it named, null where it named none, and why. */
export interface Refusal {
  readonly pod: string | null;
  readonly isUpdate: boolean;
  /** In front of the reasons: what was refused, where the pod does not tell. */
  readonly subject: string;
  /** One sentence a violation. */
  readonly reasons: readonly string[];
}

export interface RefusalParts {
  readonly store: Pick<Store, "getMeta" | "setMeta" | "transaction">;
  readonly clock: Clock;
  readonly events: EventRecorder;
}

/** Of one batch of messages, that get an event of their own; the rest is counted. */
const mostNamed = 8;

/**
 * A refusal is an event of the pod that the message names, and of the device otherwise. A flood must not wear out the flash:
 * one row a pod and batch, and one for all that name no pod.
 */
export function recordRefusals(parts: RefusalParts, refused: readonly Refusal[]): void {
  const byPod = Map.groupBy(refused, ({ pod }) => pod);
  const named = [...byPod].flatMap(([pod, all]) => (pod === null ? [] : [{ pod, all }]));
  const shown = named.slice(0, mostNamed);
  const others = [...(byPod.get(null) ?? []), ...named.slice(mostNamed).flatMap(({ all }) => all)];
  parts.store.transaction("normal", () => {
    const before = keptRefusals(parts.store.getMeta(refusedUpdatesKey));
    let kept = before;
    for (const { pod, all } of shown) {
      const message = firstOf(all);
      parts.events.recordPodEvent(pod, { ...refusedEvent, message });
      const update = all.find(({ isUpdate }) => isUpdate);
      if (update === undefined) continue;
      kept = withRefusal(kept, { pod, wall: parts.clock.wall(), message: shownReasons(update.reasons) });
    }
    if (kept !== before) parts.store.setMeta(refusedUpdatesKey, JSON.stringify(kept));
    if (others.length > 0) parts.events.recordDeviceEvent({ ...refusedEvent, message: firstOf(others) });
  });
}

const refusedEvent = { type: "Warning", reason: "MessageRefused" } as const satisfies Partial<PodEvent>;

function firstOf(refused: readonly Refusal[]): string {
  const [first] = refused;
  const text = first === undefined ? "" : `${first.subject}${first.reasons.join("; ")}`;
  return `${text}${refused.length > 1 ? ` (and ${refused.length - 1} more)` : ""}`;
}

/** A message for this pod was accepted: what was refused before is history. */
export function forgetRefusal({ store }: Pick<RefusalParts, "store">, pod: string): void {
  const kept = keptRefusals(store.getMeta(refusedUpdatesKey));
  const left = withoutPod(kept, pod);
  if (left.length < kept.length) store.setMeta(refusedUpdatesKey, JSON.stringify(left));
}
