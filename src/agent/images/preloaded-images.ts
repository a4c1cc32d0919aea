import { archiveWith } from "../../core/image/image-archive.ts";
import { familiarName } from "../../core/image/image-gc.ts";
import { type FetchProgress, loadTenths } from "../../core/image/pull-progress.ts";
import type { Engine, EngineErrorKind, EngineResult, ImageInfo } from "../../ports/engine.ts";
import type { ArchiveFile } from "../../ports/image-archives.ts";
import { withDeadline, withStallDeadline } from "../loop/deadline.ts";
import { createLimiter } from "../loop/limiter.ts";
import { type ArchiveIndexParts, createArchiveIndex } from "./archive-index.ts";

export interface PreloadedImagesParts extends ArchiveIndexParts {
  readonly engine: Pick<Engine, "image" | "load">;
}

/** Images that archives on this device hold: they are loaded from there instead of pulled. */
export interface PreloadedImages {
  /** Reads the archives that are new or have changed. */
  look(signal: AbortSignal): Promise<void>;
  /** The archive that holds an image, as far as the archives have been read; null for none. */
  archiveOf(image: string): string | null;
  /**
   * Loads an image if the engine does not have it; null if no archive holds it or its archive cannot be loaded: then it is
   * to be pulled. Loads one archive at a time. An error is of the engine or of its disk, not of the archive.
   */
  load(
    image: string,
    signal: AbortSignal,
    onProgress: (progress: FetchProgress) => void,
  ): Promise<EngineResult<LoadedImage> | null>;
  /** Archives that are not used, for `edge status`. */
  notices(): readonly string[];
}

export interface LoadedImage {
  readonly image: ImageInfo;
  /** Name of the archive that holds it. */
  readonly archive: string;
  /** The images that were not on this device before. */
  readonly brought: readonly { readonly id: string; readonly name: string }[];
}

const lookDeadlineMs = 30_000;
/** Without a byte of progress, as for pulls. */
const stallMs = 120_000;

/** Errors that say nothing of the archive. */
const ofEngine: readonly EngineErrorKind[] = ["unavailable", "timeout", "aborted", "diskFull"];

export function createPreloadedImages(parts: PreloadedImagesParts): PreloadedImages {
  const { archives, engine, clock } = parts;
  const index = createArchiveIndex(parts);
  const limiter = createLimiter(1);

  const imageNow = (name: string, signal: AbortSignal): Promise<EngineResult<ImageInfo>> =>
    withDeadline(clock, lookDeadlineMs, signal, (s) => engine.image(name, s));

  /** Those of these names under which the engine has an image. */
  async function present(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for (const name of names) {
      const image = await imageNow(name, signal);
      if (image.ok) found.set(name, image.value.id);
    }
    return found;
  }

  async function loadFrom(
    { file, images }: { readonly file: ArchiveFile; readonly images: readonly string[] },
    image: string,
    signal: AbortSignal,
    onProgress: (progress: FetchProgress) => void,
  ): Promise<EngineResult<LoadedImage> | null> {
    const before = await present(images, signal);
    let read = 0;
    let tenths = 0;
    onProgress({ tenths, archive: file.name });
    const contents = archives.contents(file, (bytes) => {
      read += bytes;
      const now = loadTenths(read, file.sizeBytes);
      if (now === tenths) return;
      tenths = now;
      onProgress({ tenths, archive: file.name });
    });
    const loaded = await withStallDeadline(clock, stallMs, signal, (s, gotOn) =>
      engine.load(image, contents, s, gotOn),
    );
    if (!loaded.ok) {
      if (ofEngine.includes(loaded.error.kind)) return loaded;
      index.loadEnded(file, loaded.error.message);
      return null;
    }
    index.loadEnded(file, null);
    const after = await present(images, signal);
    const brought = [...after].flatMap(([name, id]) => (before.get(name) === id ? [] : [{ id, name }]));
    return { ok: true, value: { image: loaded.value, archive: file.name, brought } };
  }

  return {
    look: index.look,
    archiveOf: (image) => archiveWith(index.usable(), image)?.name ?? null,
    notices: index.notices,
    async load(image, signal, onProgress) {
      await index.look(signal);
      if (archiveWith(index.usable(), image) === null) return null;
      return limiter(async () => {
        const archive = archiveWith(index.usable(), image);
        const file = archive === null ? undefined : index.fileOf(archive);
        if (archive === null || file === undefined) return null;
        // Another pod may have loaded it meanwhile.
        const now = await imageNow(image, signal);
        if (now.ok) return { ok: true, value: { image: now.value, archive: archive.name, brought: [] } };
        const isMissing = now.error.kind === "notFound" || now.error.kind === "imageNotFound";
        if (!isMissing) return { ok: false, error: { ...now.error, operation: "load" } };
        return loadFrom({ file, images: archive.images }, familiarName(image), signal, onProgress);
      });
    },
  };
}
