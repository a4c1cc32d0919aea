import type { ArchiveNames } from "../core/image/image-archive.ts";

/** The archives of images in a folder of the device (`local.imagesDir`). */
export interface ImageArchives {
  /** What is in the folder now, by name; nothing for a folder that does not exist. At most 64 files. */
  list(): ArchiveListing;
  /**
   * The names of its images. Reads the whole file, which may take minutes; `onRead` is called as the reading goes on. Never
   * throws; gives up when the signal aborts.
   */
  imageNames(file: ArchiveFile, signal: AbortSignal, onRead: () => void): Promise<ArchiveNames>;
  /**
   * The archive as the engine takes it, unpacked. While it is read it throws an Error, with words for people, for a file that
   * is damaged or that has changed since it was listed. `onRead` hears how many bytes of the file were read.
   */
  contents(file: ArchiveFile, onRead: (bytes: number) => void): AsyncIterable<Uint8Array>;
}

export interface ArchiveListing {
  readonly files: readonly ArchiveFile[];
  /** What is not read, and why. */
  readonly problems: readonly { readonly name: string; readonly message: string }[];
}

export interface ArchiveFile {
  /** Without its folder. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Its size, time of change (nanoseconds) and inode: another text once it has changed. */
  readonly version: string;
}
