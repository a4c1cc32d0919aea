// agent/images: image pulls, and the deletion of images that no pod needs.

import { type FetchProgress, type LayerNews, noProgress, progressed } from "../../core/image/pull-progress.ts";
import type { RegistryCredentials } from "../../core/image/registry-credentials.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Engine, EngineResult, ImageInfo } from "../../ports/engine.ts";
import { withDeadline, withStallDeadline } from "../loop/deadline.ts";
import type { PreloadedImages } from "./preloaded-images.ts";

export interface PullRequest {
  readonly image: string;
  /** Tried one after the other until the registry takes one; none means that nothing is shown. */
  readonly credentials: readonly RegistryCredentials[];
}

export interface Puller {
  /**
   * Fetches an image once, however many pods wait for it: from an archive on this device that holds it, else from its
   * registry. An image of an archive is never pulled while the engine has it. Who is no longer interested leaves by its
   * signal; the pull itself is given up when the last one has left. `onProgress` hears where it comes from, once that is
   * known, and how many tenths are here.
   */
  pull(
    request: PullRequest,
    signal: AbortSignal,
    onProgress?: (progress: FetchProgress) => void,
  ): Promise<EngineResult<FetchedImage>>;
  /** The archive that holds an image, as far as the archives have been read; null for none. */
  archiveOf(image: string): string | null;
}

export interface FetchedImage {
  readonly image: ImageInfo;
  /** The archive on this device that holds it; null for an image that was pulled. */
  readonly archive: string | null;
}

export interface PullerParts {
  readonly engine: Pick<Engine, "image" | "pull">;
  readonly clock: Clock;
  readonly preloaded: Pick<PreloadedImages, "archiveOf" | "load">;
  /** Hears of each image that was not on this device before. */
  readonly onImagePulled: (image: PulledName) => void;
}

/** An image that this device did not have before we asked for it. */
export interface PulledName {
  readonly id: string;
  readonly name: string;
}

const lookDeadlineMs = 30_000;
/** Without a byte of progress, not in all: a slow line may take hours. */
const stallMs = 120_000;

interface Flight {
  readonly stop: AbortController;
  readonly result: Promise<EngineResult<FetchedImage>>;
  waiting: number;
  /** Null until it is known where the image comes from. */
  progress: FetchProgress | null;
  readonly listeners: Set<(progress: FetchProgress) => void>;
}

/** Pulls under way, by image and what is shown for it: one pod's wrong password must not fail another's right one. */
export function createPuller(parts: PullerParts): Puller {
  const flights = new Map<string, Flight>();

  function startPull(key: string, request: PullRequest): Flight {
    const stop = new AbortController();
    const listeners: Flight["listeners"] = new Set();
    const onProgress = (progress: FetchProgress): void => {
      flight.progress = progress;
      for (const listener of listeners) listener(progress);
    };
    const result = fetchOnce(parts, request, stop.signal, onProgress);
    const flight: Flight = { stop, result, waiting: 0, progress: null, listeners };
    const forget = (): void => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    result.then(forget, forget);
    flights.set(key, flight);
    return flight;
  }

  return {
    archiveOf: parts.preloaded.archiveOf,
    async pull(request, signal, onProgress = () => {}) {
      if (signal.aborted) return givenUp;
      const key = JSON.stringify(request);
      const flight = flights.get(key) ?? startPull(key, request);
      flight.waiting += 1;
      // A listener of its own: the same function may wait twice.
      const listener = (progress: FetchProgress): void => onProgress(progress);
      flight.listeners.add(listener);
      if (flight.progress !== null) onProgress(flight.progress);
      const left = untilAborted(signal);
      try {
        const result = await Promise.race([flight.result, left.aborted]);
        if (result !== null) return result;
        if (flight.waiting > 1) return givenUp;
        // A new one must not join a pull that is being given up.
        if (flights.get(key) === flight) flights.delete(key);
        flight.stop.abort();
        return await flight.result;
      } finally {
        flight.waiting -= 1;
        flight.listeners.delete(listener);
        left.forget();
      }
    },
  };
}

const givenUp: EngineResult<never> = {
  ok: false,
  error: { kind: "aborted", operation: "pull", message: "The pull was canceled" },
};

/** What was here before is somebody else's, even if a pull has found it up to date. */
async function fetchOnce(
  parts: PullerParts,
  request: PullRequest,
  signal: AbortSignal,
  onProgress: (progress: FetchProgress) => void,
): Promise<EngineResult<FetchedImage>> {
  const { engine, clock, preloaded, onImagePulled } = parts;
  const { image: name } = request;
  const before = await withDeadline(clock, lookDeadlineMs, signal, (s) => engine.image(name, s));
  let isFromArchive = preloaded.archiveOf(name) !== null;
  const loaded = await preloaded.load(name, signal, (progress) => {
    isFromArchive = true;
    onProgress(progress);
  });
  if (loaded !== null) {
    if (!loaded.ok) return loaded;
    for (const image of loaded.value.brought) onImagePulled(image);
    return { ok: true, value: { image: loaded.value.image, archive: loaded.value.archive } };
  }
  if (isFromArchive) onProgress({ tenths: 0, archive: null });
  const result = await pullWithEach(parts, request, signal, onProgress);
  if (!result.ok) return result;
  const { id } = result.value;
  const isNew = before.ok ? before.value.id !== id : ["notFound", "imageNotFound"].includes(before.error.kind);
  if (isNew) onImagePulled({ id, name });
  return { ok: true, value: { image: result.value, archive: null } };
}

async function pullWithEach(
  { engine, clock }: PullerParts,
  { image, credentials }: PullRequest,
  signal: AbortSignal,
  onProgress: (progress: FetchProgress) => void,
): Promise<EngineResult<ImageInfo>> {
  let progress = noProgress;
  const onLayerNews = (news: LayerNews): void => {
    const { tenths } = progress;
    progress = progressed(progress, news);
    if (progress.tenths !== tenths) onProgress({ tenths: progress.tenths, archive: null });
  };
  const pull = (shown: RegistryCredentials | null): Promise<EngineResult<ImageInfo>> =>
    withStallDeadline(clock, stallMs, signal, (s, gotOn) => engine.pull(image, shown, s, gotOn, onLayerNews));
  let result = await pull(credentials[0] ?? null);
  for (const next of credentials.slice(1)) {
    if (result.ok || result.error.kind !== "registryAuth") break;
    result = await pull(next);
  }
  return result;
}

function untilAborted(signal: AbortSignal): { readonly aborted: Promise<null>; forget(): void } {
  const { promise, resolve } = Promise.withResolvers<null>();
  const heard = (): void => resolve(null);
  signal.addEventListener("abort", heard, { once: true });
  return { aborted: promise, forget: () => signal.removeEventListener("abort", heard) };
}
