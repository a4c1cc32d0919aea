import { type ImageLimits, isTooFull, nextImageToRemove, type Removal } from "../../core/image/image-gc.ts";
import type { DiskUsage } from "../../core/node/usage.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Log } from "../../ports/log.ts";
import type { NodeDevice } from "../../ports/node-device.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { withDeadline } from "../loop/deadline.ts";
import { momentOf } from "../loop/moment.ts";
import { imagesWanted, keepPulledImages, pulledImages } from "./pulled-images.ts";

export interface ImageGcParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly device: NodeDevice;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly settings: { readonly images: ImageLimits };
  /** The engine's data folder, null while it is not known. */
  readonly engineRoot: () => string | null;
}

const listDeadlineMs = 30_000;
const removeDeadlineMs = 120_000;
/** In one round; the next one comes in a minute. */
const mostRemovals = 64;

/**
 * One round: removes images that nobody wants while the engine's disk is too full. Gives the words for a disk that stays
 * so, null when it has room or nothing is known.
 */
export async function collectImageGarbage(parts: ImageGcParts, signal: AbortSignal): Promise<string | null> {
  const spared = new Set<string>();
  for (let removed = 0; removed + spared.size < mostRemovals && !signal.aborted; ) {
    const disk = parts.device.usage(parts.engineRoot()).engineDisk;
    const begun = removed > 0;
    if (disk === null || !isTooFull({ disk, limits: parts.settings.images, begun })) return null;
    const next = await findNextImage(parts, { disk, begun, spared }, signal);
    if (next === "unknown") return null;
    if (next === null) {
      const { high, low } = parts.settings.images;
      return `More than ${begun ? low : high} % of the engine's disk is used, and no other image may be removed`;
    }
    if (await removeImage(parts, next, signal)) removed += 1;
    else spared.add(next.image.id);
  }
  return null;
}

interface Round {
  readonly disk: DiskUsage;
  readonly begun: boolean;
  readonly spared: ReadonlySet<string>;
}

/** What is to go next, by what is there right now; records of images that have gone by themselves are let go of. */
async function findNextImage(
  parts: ImageGcParts,
  round: Round,
  signal: AbortSignal,
): Promise<Removal | "unknown" | null> {
  const { engine, store, clock } = parts;
  const images = await withDeadline(clock, listDeadlineMs, signal, (s) => engine.images(s));
  if (!images.ok) return "unknown";
  const here = new Set(images.value.map(({ id }) => id));
  const pulled = pulledImages(store).filter(({ id }) => here.has(id));
  keepPulledImages(store, pulled);
  const now = momentOf(clock);
  return nextImageToRemove({
    ...round,
    limits: parts.settings.images,
    images: images.value,
    pulled,
    wanted: imagesWanted(store),
    now,
  });
}

async function removeImage(parts: ImageGcParts, { image, because }: Removal, signal: AbortSignal): Promise<boolean> {
  const { engine, store, clock, log, events } = parts;
  const name = `${image.names[0] ?? "without a name"} (${image.id.slice(0, 19)})`;
  const result = await withDeadline(clock, removeDeadlineMs, signal, (s) => engine.removeImage(image.id, s));
  if (!result.ok) {
    log.write("warn", "Image not removed", { image: name, why: result.error.message });
    return false;
  }
  store.transaction("normal", () => {
    keepPulledImages(
      store,
      pulledImages(store).filter(({ id }) => id !== image.id),
    );
    const megabytes = Math.round(image.sizeBytes / 1024 / 1024);
    const message = `Image ${name} of ${megabytes} MiB was removed: ${because}`;
    events.recordDeviceEvent({ type: "Normal", reason: "ImageRemoved", message });
  });
  return true;
}
