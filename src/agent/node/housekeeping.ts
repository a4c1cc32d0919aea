import { markUse, withPulled } from "../../core/image/image-gc.ts";
import { collectImageGarbage, type ImageGcParts } from "../images/image-gc.ts";
import type { PulledName } from "../images/image-puller.ts";
import type { PreloadedImages } from "../images/preloaded-images.ts";
import { imagesWanted, keepPulledImages, pulledImages } from "../images/pulled-images.ts";
import { momentOf } from "../loop/moment.ts";
import { type OrphanedPodFolderParts, removeOrphanedPodFolders } from "./orphaned-pod-folders.ts";

export interface HousekeepingParts extends ImageGcParts, OrphanedPodFolderParts {
  readonly preloaded: Pick<PreloadedImages, "look">;
}

export interface Housekeeping {
  /** An image is on this device because of us: it may go again some day. */
  onImagePulled(image: PulledName): void;
  run(signal: AbortSignal): Promise<void>;
}

const periodMs = 60_000;
/** Rounds in a row, and once: what has only just become unused is waited for. */
const toldAfter = 3;

/**
 * Every minute: what was left of pods that are gone, archives of images that are new, and images that nobody wants when the
 * engine's disk fills up.
 */
export function createHousekeeping(parts: HousekeepingParts): Housekeeping {
  const { clock, store, events, preloaded } = parts;
  let inVain = 0;
  const recordResult = (message: string | null): void => {
    inVain = message === null ? 0 : inVain + 1;
    if (message === null || inVain !== toldAfter) return;
    events.recordDeviceEvent({ type: "Warning", reason: "FreeDiskSpaceFailed", message });
  };
  return {
    onImagePulled: (image) => keepPulledImages(store, withPulled(pulledImages(store), image)),
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(periodMs, signal);
        if (signal.aborted) return;
        await removeOrphanedPodFolders(parts, signal);
        await preloaded.look(signal);
        keepPulledImages(store, markUse(pulledImages(store), imagesWanted(store), momentOf(clock)));
        recordResult(await collectImageGarbage(parts, signal));
      }
    },
  };
}
