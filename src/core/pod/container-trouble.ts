import { isPaused, isUnknown, type ObservedContainer } from "./observed.ts";

/** What keeps a container that is there from being what its status would say. */
export interface ContainerTrouble {
  readonly container: ObservedContainer;
  /** ContainerStatusUnknown or ContainerPaused: reason of the pod's status, and of the event. */
  readonly reason: string;
  /** For people, without the container's name. */
  readonly message: string;
}

const unknown = "the engine does not answer about it: its last known state is shown, and nothing is done to it";
const paused = "it was paused by hand: docker unpause lets it go on";
const both = "it was paused by hand, and the engine does not answer about it: docker unpause lets it go on";

/** Containers that the engine does not answer about, and those that somebody has paused. */
export function containerTroubles(observed: readonly ObservedContainer[]): readonly ContainerTrouble[] {
  return observed.flatMap((container) => {
    if (isUnknown(container)) {
      return [{ container, reason: "ContainerStatusUnknown", message: isPaused(container) ? both : unknown }];
    }
    return isPaused(container) ? [{ container, reason: "ContainerPaused", message: paused }] : [];
  });
}

/** Reason and message for the status of a pod, by its own containers; null where none of them is in trouble. */
export function podTrouble(
  observed: readonly ObservedContainer[],
): { readonly reason: string; readonly message: string } | null {
  const troubles = containerTroubles(observed);
  const [first] = troubles;
  if (first === undefined) return null;
  const sentences = troubles.map(
    ({ container: { container, id }, message }) => `Container ${container} (${id.slice(0, 12)}): ${message}`,
  );
  return { reason: first.reason, message: sentences.join("; ") };
}
