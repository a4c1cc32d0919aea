import { shorten } from "../core/base/shorten.ts";
import type { PodEvent } from "../core/pod/event.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Store } from "../ports/store.ts";
import { momentOf } from "./loop/moment.ts";

/** What has happened, and to which container of a pod; "" for the pod itself. */
export type RecordedEvent = Omit<PodEvent, "pod" | "container"> & { readonly container?: string };

/** Keeps what happens for `edge events` and the center, and writes a line of the log for it (Kubernetes: EventRecorder). */
export interface EventRecorder {
  /** Of the device itself. */
  recordDeviceEvent(event: Omit<RecordedEvent, "container">): void;
  /** Of a pod, by namespace/name. */
  recordPodEvent(pod: string, event: RecordedEvent): void;
}

export interface EventRecorderParts {
  readonly store: { readonly events: Pick<Store["events"], "append"> };
  readonly clock: Clock;
  readonly log: Log;
}

/** Of a message; more would crowd out other events. */
const maxMessageCharacters = 1_024;

export function createEventRecorder({ store, clock, log }: EventRecorderParts): EventRecorder {
  const record = (event: PodEvent): void => {
    const { type, pod, container, reason } = event;
    const message = shorten(event.message, maxMessageCharacters);
    const subject = container === "" ? { pod } : { pod, container };
    log.write(type === "Warning" ? "warn" : "info", reason, { ...(pod === "" ? {} : subject), message });
    store.events.append({ type, pod, container, reason, message }, momentOf(clock));
  };
  return {
    recordDeviceEvent: ({ type, reason, message }) => record({ type, pod: "", container: "", reason, message }),
    recordPodEvent: (pod, { type, container = "", reason, message }) =>
      record({ type, pod, container, reason, message }),
  };
}
