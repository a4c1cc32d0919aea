import type { KnownArchive } from "../../core/image/image-archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ArchiveFile, ImageArchives } from "../../ports/image-archives.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { withStallDeadline } from "../loop/deadline.ts";

export interface ArchiveIndexParts {
  readonly archives: ImageArchives;
  readonly store: Pick<Store, "getMeta" | "setMeta" | "transaction">;
  readonly clock: Clock;
  readonly events: EventRecorder;
  /** Something of `notices` has changed. */
  readonly onNoticesChanged: () => void;
}

/** What is known of the archives on this device. The store keeps it, so that a restart reads none of them again. */
export interface ArchiveIndex {
  /** Looks at the folder and reads what is new or has changed, once for all who wait. */
  look(signal: AbortSignal): Promise<void>;
  /** Those that can be used now, by name. */
  usable(): readonly KnownArchive[];
  /** The file as it was listed; undefined once it has gone or changed. */
  fileOf(archive: KnownArchive): ArchiveFile | undefined;
  /** The engine took an archive (null), or did not: then it is tried again when the file changes, or after five minutes. */
  loadEnded(file: ArchiveFile, problem: string | null): void;
  notices(): readonly string[];
}

const metaKey = "imageArchives";
const stallMs = 120_000;
const retryMs = 300_000;

interface Trouble {
  readonly version: string;
  readonly message: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

export function createArchiveIndex(parts: ArchiveIndexParts): ArchiveIndex {
  const { archives, store, clock, events, onNoticesChanged } = parts;
  let known = JSON.parse(store.getMeta(metaKey) ?? "[]") as readonly KnownArchive[];
  let files: ReadonlyMap<string, ArchiveFile> = new Map();
  /** What may pass by itself, by name of the archive: kept in memory only. */
  const troubles = new Map<string, Trouble>();
  let looking: Promise<boolean> | null = null;

  function troubleOf({ name, version }: { readonly name: string; readonly version: string }): Trouble | null {
    const trouble = troubles.get(name);
    return trouble?.version === version ? trouble : null;
  }

  function noteTrouble({ name, version }: ArchiveFile, message: string): void {
    const before = troubleOf({ name, version });
    troubles.set(name, { version, message, at: clock.mono() });
    if (before?.message === message) return;
    events.recordDeviceEvent({ type: "Warning", reason: "ImageArchiveFailed", message: sentence(name, message) });
    onNoticesChanged();
  }

  /** What is in a file; null when that is not known yet: it changes, its disk hangs, or the agent ends. */
  async function read(file: ArchiveFile, signal: AbortSignal): Promise<KnownArchive | null> {
    const { name, version } = file;
    const recent = troubleOf(file);
    if (recent !== null && clock.mono() < recent.at + retryMs) return null;
    let stalled = false;
    const found = await withStallDeadline(clock, stallMs, signal, async (s, gotOn) => {
      const names = await archives.imageNames(file, s, gotOn);
      stalled = s.aborted;
      return names;
    });
    if (signal.aborted) return null;
    if (stalled) noteTrouble(file, `nothing could be read from it within ${stallMs / 1000} s`);
    if (stalled) return null;
    if (found.ok) return { name, version, images: found.images, problem: null };
    // A copy may be under way.
    const isSame = archives.list().files.some((listed) => listed.name === name && listed.version === version);
    return isSame ? { name, version, images: [], problem: found.message } : null;
  }

  /** False if the signal aborted before everything was read. */
  async function lookOnce(signal: AbortSignal): Promise<boolean> {
    const listing = archives.list();
    files = new Map(listing.files.map((file) => [file.name, file]));
    for (const name of troubles.keys()) if (!files.has(name)) troubles.delete(name);
    const next: KnownArchive[] = listing.problems.map(({ name, message }) => {
      return { name, version: "", images: [], problem: message };
    });
    for (const file of listing.files) {
      const same = known.find(({ name, version }) => name === file.name && version === file.version);
      const archive = same ?? (await read(file, signal));
      if (signal.aborted) return false;
      if (archive !== null) next.push(archive);
    }
    keep(next.sort((a, b) => (a.name < b.name ? -1 : 1)));
    return true;
  }

  function keep(next: readonly KnownArchive[]): void {
    const before = known;
    const text = JSON.stringify(next);
    known = next;
    if (text === JSON.stringify(before)) return;
    store.transaction("normal", () => {
      store.setMeta(metaKey, text);
      for (const archive of next) if (!before.some((one) => isSame(one, archive))) recordRead(archive);
    });
    onNoticesChanged();
  }

  function recordRead({ name, images, problem }: KnownArchive): void {
    if (problem === null) {
      const message = `Image archive ${name} holds ${images.join(", ")}`;
      events.recordDeviceEvent({ type: "Normal", reason: "ImageArchiveRead", message });
    } else
      events.recordDeviceEvent({ type: "Warning", reason: "ImageArchiveFailed", message: sentence(name, problem) });
  }

  return {
    async look(signal) {
      while (!signal.aborted) {
        looking ??= lookOnce(signal).finally(() => {
          looking = null;
        });
        // Who began it may have left.
        if (await looking) return;
      }
    },
    usable: () =>
      known.filter((archive) => {
        const trouble = troubleOf(archive);
        return archive.problem === null && (trouble === null || clock.mono() >= trouble.at + retryMs);
      }),
    fileOf({ name, version }) {
      const file = files.get(name);
      return file?.version === version ? file : undefined;
    },
    loadEnded(file, problem) {
      if (problem !== null) noteTrouble(file, problem);
      else if (troubles.delete(file.name)) onNoticesChanged();
    },
    notices() {
      const unread = known.flatMap(({ name, problem }) => (problem === null ? [] : [sentence(name, problem)]));
      return [...unread, ...[...troubles].map(([name, { message }]) => sentence(name, message))];
    },
  };
}

function isSame(a: KnownArchive, b: KnownArchive): boolean {
  return a.name === b.name && a.version === b.version && a.problem === b.problem;
}

function sentence(name: string, message: string): string {
  const what = name === "" ? "The folder of image archives" : `Image archive ${name}`;
  return `${what} cannot be used: ${message}`;
}
