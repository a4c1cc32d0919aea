// core/image: images: which may be deleted, how pulls fail, which credentials fit.

import { type DiskUsage, usedPercent } from "../node/usage.ts";
import type { Moment, PodHistory } from "../pod/container-history.ts";
import type { AcceptedPod } from "../pod/spec.ts";

/** An image on the engine. */
export interface StoredImage {
  /** `sha256:…`. */
  readonly id: string;
  /** Every name and tag that it goes by, as the engine writes them; none for one whose name went to a newer image. */
  readonly names: readonly string[];
  readonly sizeBytes: number;
  /** Whether a container, running or dead, ours or not, was made from it. */
  readonly inUse: boolean;
}

/** An image that the agent has brought to this device: only those are the agent's to remove. */
export interface PulledImage {
  readonly id: string;
  /** The name it was asked for by; "" once that name has gone to a newer image. */
  readonly name: string;
  /** Since when no pod wants it; null while one does. */
  readonly unusedSince: Moment | null;
}

/** Per cent of the engine's file system: above `high` images go, until it is at `low` or none is left that may. */
export interface ImageLimits {
  readonly high: number;
  readonly low: number;
}

/** What pods need: images by id where they are pinned, and by name all the same. */
export interface WantedImages {
  readonly ids: ReadonlySet<string>;
  /** As `familiarName` writes them. */
  readonly names: ReadonlySet<string>;
}

/** Those of every pod that is desired or on its way out, whether or not its containers are there. */
export function wantedImages(
  pods: readonly { readonly pod: AcceptedPod; readonly history: PodHistory }[],
): WantedImages {
  const pinned = pods.flatMap(({ history }) =>
    Object.values(history).flatMap((container) => [container.pinnedImage?.id, container.madeFrom?.id]),
  );
  return {
    ids: new Set(pinned.filter((id) => id !== undefined)),
    names: new Set(pods.flatMap(({ pod }) => pod.spec.containers.map((spec) => familiarName(spec.image)))),
  };
}

/**
 * An image name as the engine lists it (distribution/reference, `FamiliarString`): without Docker's own registry, with a
 * tag. Two names that are equal here are one.
 */
export function familiarName(name: string): string {
  const short = name.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\/(?=[^/]+$)/, "");
  const last = short.slice(short.lastIndexOf("/") + 1);
  return last.includes(":") || last.includes("@") ? short : `${short}:latest`;
}

/** More than any device keeps: beyond it the oldest records go, and their images stay for good. */
const mostRecords = 512;

/** With an image that was just brought; another image that had this name has it no more. */
export function withPulled(
  pulled: readonly PulledImage[],
  { id, name }: { readonly id: string; readonly name: string },
): readonly PulledImage[] {
  const same = (image: PulledImage): boolean => image.name !== "" && familiarName(image.name) === familiarName(name);
  const others = pulled
    .filter((image) => !(image.id === id && same(image)))
    .map((image) => (same(image) ? { ...image, name: "" } : image));
  return [...others, { id, name, unusedSince: null }].slice(-mostRecords);
}

/** The same records with `unusedSince` as it is now; equal ones stay the same objects. */
export function markUse(pulled: readonly PulledImage[], wanted: WantedImages, now: Moment): readonly PulledImage[] {
  return pulled.map((image) => {
    if (isWanted(image, wanted)) return image.unusedSince === null ? image : { ...image, unusedSince: null };
    return image.unusedSince === null ? { ...image, unusedSince: now } : image;
  });
}

export interface ImageGcInput {
  readonly disk: DiskUsage;
  readonly limits: ImageLimits;
  /** Whether something was removed already because `high` was passed: then `low` is what counts. */
  readonly begun: boolean;
  readonly images: readonly StoredImage[];
  readonly pulled: readonly PulledImage[];
  readonly wanted: WantedImages;
  /** Ids that the engine would not remove in this round. */
  readonly spared: ReadonlySet<string>;
  readonly now: Moment;
}

export interface Removal {
  readonly image: StoredImage;
  readonly because: string;
}

/** Kubelet (`image_gc_manager.go`, MinimumGCAge): a pod that comes back at once should find its image. */
const youngestMs = 120_000;

/** Whether there is reason to remove images at all. */
export function isTooFull({ disk, limits, begun }: Pick<ImageGcInput, "disk" | "limits" | "begun">): boolean {
  return usedPercent(disk) > (begun ? limits.low : limits.high);
}

/**
 * The next image to remove, the one that no pod has wanted for longest; null when the disk has room enough, or when no
 * image is left that may go. One at a time, since layers are shared: what a removal frees only the disk can tell.
 */
export function nextImageToRemove(cleaning: ImageGcInput): Removal | null {
  const { disk, limits, begun, images, pulled } = cleaning;
  if (!isTooFull(cleaning)) return null;
  const [oldest] = images
    .flatMap((image) => {
      const records = pulled.filter((candidate) => candidate.id === image.id);
      return mayGo(cleaning, image, records) ? [{ image, since: youngest(records, cleaning.now) }] : [];
    })
    .sort((a, b) => a.since - b.since);
  if (oldest === undefined) return null;
  const full = `${usedPercent(disk).toFixed(1)} % of the engine's disk is used, more than ${begun ? limits.low : limits.high} %`;
  return { image: oldest.image, because: `${full}, and this image was unused for the longest time` };
}

function mayGo({ wanted, spared, now }: ImageGcInput, image: StoredImage, records: readonly PulledImage[]): boolean {
  if (records.length === 0 || image.inUse || spared.has(image.id)) return false;
  if (records.some((image) => isWanted(image, wanted))) return false;
  // A name that somebody else gave it makes it somebody else's too.
  const ours = new Set(records.filter((image) => image.name !== "").map((image) => familiarName(image.name)));
  if (image.names.some((name) => !ours.has(familiarName(name)) || wanted.names.has(familiarName(name)))) return false;
  return youngest(records, now) <= now.mono - youngestMs;
}

/** Unused since, on this boot's clock; before any boot when the device has been restarted since, then by wall time. */
function youngest(records: readonly PulledImage[], now: Moment): number {
  const longAgo = -1e15;
  return Math.max(
    ...records.map(({ unusedSince }) => {
      if (unusedSince === null) return now.mono;
      return unusedSince.bootId === now.bootId ? unusedSince.mono : longAgo + unusedSince.wall;
    }),
  );
}

function isWanted({ id, name }: PulledImage, wanted: WantedImages): boolean {
  return wanted.ids.has(id) || (name !== "" && wanted.names.has(familiarName(name)));
}
