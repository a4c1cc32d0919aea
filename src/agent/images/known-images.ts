import type { Clock } from "../../ports/clock.ts";
import type { Engine, EngineResult, ImageInfo } from "../../ports/engine.ts";
import { withDeadline } from "../loop/deadline.ts";

type Found = EngineResult<ImageInfo>;

/** What names and ids of images stand for on this device, kept until anything may have changed it. */
export interface KnownImages {
  /** An image by name or id; the engine is asked unless it is known. That it is not here is not kept. */
  image(nameOrId: string, signal: AbortSignal): Promise<Found>;
  /** An image, or a name of one, may have come or gone. */
  forget(): void;
  /** The engine does not have this image. @returns whether that was remembered otherwise, and not just looked up */
  isMissing(id: string): boolean;
}

interface Kept {
  readonly found: Promise<Found>;
  id: string;
  uses: number;
}

/** Names and ids; a device has tens of images. */
const mostKept = 256;

const deadlineMs = 30_000;

export function createKnownImages(engine: Pick<Engine, "image">, clock: Clock): KnownImages {
  let kept = new Map<string, Kept>();

  function ask(nameOrId: string, signal: AbortSignal): Kept {
    const before = kept;
    const found = withDeadline(clock, deadlineMs, signal, (s) => engine.image(nameOrId, s));
    const entry: Kept = { found, id: "", uses: 0 };
    const settle = (result: Found): void => {
      if (result.ok) entry.id = result.value.id;
      else before.delete(nameOrId);
    };
    found.then(settle, () => before.delete(nameOrId));
    if (kept.size >= mostKept) kept.clear();
    kept.set(nameOrId, entry);
    return entry;
  }

  return {
    image(nameOrId, signal) {
      const entry = kept.get(nameOrId) ?? ask(nameOrId, signal);
      entry.uses += 1;
      return entry.found;
    },
    forget() {
      kept = new Map();
    },
    isMissing(id) {
      const entries = [...kept].filter(([, entry]) => entry.id === id);
      for (const [name] of entries) kept.delete(name);
      return entries.some(([, { uses }]) => uses > 1);
    },
  };
}
