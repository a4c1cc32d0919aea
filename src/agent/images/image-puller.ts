// agent/images: image pulls, and the deletion of images that no pod needs.

import { type LayerNews, noProgress, progressed } from "../../core/image/pull-progress.ts";
import type { RegistryCredentials } from "../../core/image/registry-credentials.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Engine, EngineResult, ImageInfo } from "../../ports/engine.ts";
import { withDeadline, withStallDeadline } from "../loop/deadline.ts";

export interface PullRequest {
  readonly image: string;
  /** Tried one after the other until the registry takes one; none means that nothing is shown. */
  readonly credentials: readonly RegistryCredentials[];
}

export interface Puller {
  /**
   * Fetches an image once, however many pods wait for it. Who is no longer interested leaves by its signal; the pull
   * itself is given up when the last one has left. `told` hears how many tenths are here.
   */
  pull(
    request: PullRequest,
    signal: AbortSignal,
    onProgress?: (tenths: number) => void,
  ): Promise<EngineResult<ImageInfo>>;
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
  readonly result: Promise<EngineResult<ImageInfo>>;
  waiting: number;
  tenths: number;
  readonly listeners: Set<(tenths: number) => void>;
}

/**
 * Pulls under way, by image and what is shown for it: one pod's wrong password must not fail another's right one.
 * `brought` is told of each image that was not here before.
 */
export function createPuller(
  engine: Engine,
  clock: Clock,
  onImagePulled: (image: PulledName) => void = () => {},
): Puller {
  const flights = new Map<string, Flight>();

  function startPull(key: string, request: PullRequest): Flight {
    const stop = new AbortController();
    let progress = noProgress;
    const listeners: Flight["listeners"] = new Set();
    const onProgress = (news: LayerNews): void => {
      progress = progressed(progress, news);
      if (progress.tenths === flight.tenths) return;
      flight.tenths = progress.tenths;
      for (const listener of listeners) listener(progress.tenths);
    };
    const result = pullOnce(
      engine,
      clock,
      { ...request, brought: onImagePulled, onLayerNews: onProgress },
      stop.signal,
    );
    const flight: Flight = { stop, result, waiting: 0, tenths: 0, listeners };
    const forget = (): void => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    result.then(forget, forget);
    flights.set(key, flight);
    return flight;
  }

  return {
    async pull(request, signal, onProgress = () => {}) {
      if (signal.aborted) return givenUp;
      const key = JSON.stringify(request);
      const flight = flights.get(key) ?? startPull(key, request);
      flight.waiting += 1;
      // A listener of its own: the same function may wait twice.
      const listener = (tenths: number): void => onProgress(tenths);
      flight.listeners.add(listener);
      if (flight.tenths > 0) onProgress(flight.tenths);
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

interface Carried extends PullRequest {
  readonly onLayerNews: (news: LayerNews) => void;
}

const givenUp: EngineResult<never> = {
  ok: false,
  error: { kind: "aborted", operation: "pull", message: "Given up on" },
};

/** What was here before is somebody else's, even if a pull has found it up to date. */
async function pullOnce(
  engine: Engine,
  clock: Clock,
  request: Carried & { readonly brought: (image: PulledName) => void },
  signal: AbortSignal,
): Promise<EngineResult<ImageInfo>> {
  const { image: name } = request;
  const before = await withDeadline(clock, lookDeadlineMs, signal, (s) => engine.image(name, s));
  const result = await pullWithEach(engine, clock, request, signal);
  if (!result.ok) return result;
  const { id } = result.value;
  const isNew = before.ok ? before.value.id !== id : ["notFound", "imageNotFound"].includes(before.error.kind);
  if (isNew) request.brought({ id, name });
  return result;
}

async function pullWithEach(
  engine: Engine,
  clock: Clock,
  { image, credentials, onLayerNews: onProgress }: Carried,
  signal: AbortSignal,
): Promise<EngineResult<ImageInfo>> {
  const pull = (shown: RegistryCredentials | null): Promise<EngineResult<ImageInfo>> =>
    withStallDeadline(clock, stallMs, signal, (s, gotOn) => engine.pull(image, shown, s, gotOn, onProgress));
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
