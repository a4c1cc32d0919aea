import { archiveNames } from "../../src/core/image/image-archive.ts";
import type { ArchiveFile, ImageArchives } from "../../src/ports/image-archives.ts";
import { tarFiles } from "./tar-files.ts";

export interface FakeImageArchives {
  readonly archives: ImageArchives;
  /** Writes a file, or another one in its place. */
  put(name: string, bytes: Buffer): void;
  remove(name: string): void;
  /** Nobody may use the folder, for this reason; null if it is fine. */
  distrust(message: string | null): void;
  /** How often a file was read for the names of its images. */
  reads(): number;
}

interface File {
  readonly bytes: Buffer;
  readonly version: string;
}

/** A folder of archives in memory, none of them packed. */
export function fakeImageArchives(): FakeImageArchives {
  const files = new Map<string, File>();
  let written = 0;
  let reads = 0;
  let distrusted: string | null = null;

  async function* contents(file: ArchiveFile, onRead: (bytes: number) => void): AsyncGenerator<Uint8Array> {
    const found = files.get(file.name);
    if (found?.version !== file.version) throw new Error("it has changed");
    const half = Math.ceil(found.bytes.length / 2);
    for (const piece of [found.bytes.subarray(0, half), found.bytes.subarray(half)]) {
      onRead(piece.length);
      yield piece;
    }
  }

  return {
    archives: {
      list() {
        if (distrusted !== null) return { files: [], problems: [{ name: "", message: distrusted }] };
        const names = [...files.keys()].sort();
        const listed = names.map((name) => {
          const { bytes, version } = files.get(name) as File;
          return { name, sizeBytes: bytes.length, version };
        });
        return { files: listed, problems: [] };
      },
      async imageNames(file, signal, onRead) {
        reads += 1;
        try {
          const pieces: Uint8Array[] = [];
          for await (const piece of contents(file, onRead)) pieces.push(piece);
          if (signal.aborted) return { ok: false, message: "The operation was aborted" };
          const found = tarFiles(Buffer.concat(pieces));
          const text = (name: string): string | null => found.get(name)?.toString() ?? null;
          return archiveNames({ manifest: text("manifest.json"), index: text("index.json") });
        } catch (error) {
          return { ok: false, message: error instanceof Error ? error.message : String(error) };
        }
      },
      contents,
    },
    put(name, bytes) {
      written += 1;
      files.set(name, { bytes, version: `${bytes.length} ${written}` });
    },
    remove: (name) => void files.delete(name),
    distrust(message) {
      distrusted = message;
    },
    reads: () => reads,
  };
}
