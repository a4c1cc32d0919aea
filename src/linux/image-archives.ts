import { type BigIntStats, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { pipeline, Readable, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { extract } from "tar-stream";
import { printable } from "../core/base/printable.ts";
import { type ArchiveLists, type ArchiveNames, archiveNames } from "../core/image/image-archive.ts";
import type { ArchiveFile, ArchiveListing, ImageArchives } from "../ports/image-archives.ts";
import { writableByOthers } from "./trust.ts";

const suffixes = [".tar", ".tar.gz", ".tgz", ".tar.zst"];
/** More files are not looked at: each is named in a problem of its own otherwise. */
const mostFiles = 64;
/** Of a list of images in an archive. */
const longestList = 4 * 1024 * 1024;
/** Of a packed archive: one that goes on is no archive of images. */
const mostUnpackedBytes = 64 * 1024 ** 3;
const pieceBytes = 256 * 1024;

/**
 * Archives of images in a folder, packed with gzip, Zstandard or not at all. The folder and its files must belong to root or
 * the agent's user, nobody else may write to them, and no link may lead out of the folder.
 * @param mostBytes that a packed archive may have when it is unpacked
 */
export function linuxImageArchives(folder: string, mostBytes = mostUnpackedBytes): ImageArchives {
  const place: ArchiveFolder = { folder, mostBytes };
  return {
    list: () => listed(folder),
    imageNames: (file, signal, onRead) => namesIn(contentsOf(place, file, onRead), signal),
    contents: (file, onRead) => contentsOf(place, file, onRead),
  };
}

/**
 * The names of the images in any archive, before it is put into the folder. Reads the whole file; it does not matter who may
 * write to it. Never throws; gives up when the signal aborts.
 */
export async function imagesOf(path: string, signal: AbortSignal): Promise<ArchiveNames> {
  try {
    const stats = statSync(path, { bigint: true });
    if (!stats.isFile()) return { ok: false, message: "it is not a regular file" };
    const file = { name: basename(path), sizeBytes: Number(stats.size), version: versionOf(stats) };
    return await namesIn(
      contentsOf({ folder: dirname(path), mostBytes: mostUnpackedBytes }, file, () => {}),
      signal,
    );
  } catch (error) {
    return { ok: false, message: wordsOf(error) };
  }
}

async function namesIn(archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<ArchiveNames> {
  try {
    return archiveNames(await listsIn(archive, signal));
  } catch (error) {
    return { ok: false, message: wordsOf(error) };
  }
}

function listed(folder: string): ArchiveListing {
  const files: ArchiveFile[] = [];
  const problems: { name: string; message: string }[] = [];
  try {
    const names = readdirSync(folder).filter(isArchiveName).sort();
    if (names.length === 0) return { files, problems };
    const others = writableByOthers(folder);
    if (others !== null) return { files, problems: [{ name: "", message: notTrusted(others) }] };
    if (names.length > mostFiles) {
      problems.push({
        name: "",
        message: `the folder has ${names.length} archives; only the first ${mostFiles} are used`,
      });
    }
    for (const name of names.slice(0, mostFiles)) {
      const found = listedFile(folder, name);
      if (typeof found === "string") problems.push({ name: printable(name), message: found });
      else if (found !== null) files.push(found);
    }
  } catch (error) {
    if (!isMissing(error)) problems.push({ name: "", message: wordsOf(error) });
  }
  return { files, problems };
}

/** Whether a file of this name in the folder is an archive. A name that begins with a dot is a copy under way (rsync). */
export function isArchiveName(name: string): boolean {
  return !name.startsWith(".") && suffixes.some((suffix) => name.endsWith(suffix));
}

/** What stands under a name, why it is not used, or null if it has just gone. */
function listedFile(folder: string, name: string): ArchiveFile | string | null {
  if (printable(name) !== name) return "its name has characters that cannot be printed";
  try {
    const path = join(folder, name);
    if (lstatSync(path).isSymbolicLink() && !realpathSync(path).startsWith(realpathSync(folder) + sep))
      return "it is a link that leads out of the folder";
    const stats = statSync(path, { bigint: true });
    if (!stats.isFile()) return "it is not a regular file";
    const others = writableByOthers(path);
    if (others !== null) return notTrusted(others);
    return { name, sizeBytes: Number(stats.size), version: versionOf(stats) };
  } catch (error) {
    return isMissing(error) ? null : wordsOf(error);
  }
}

function notTrusted(path: string): string {
  return `${printable(path)} may be changed by users other than root and the agent's; run: chown root ${printable(path)}; chmod go-w ${printable(path)}`;
}

function versionOf({ size, mtimeNs, ino }: Pick<BigIntStats, "size" | "mtimeNs" | "ino">): string {
  return `${size} ${mtimeNs} ${ino}`;
}

interface ArchiveFolder {
  readonly folder: string;
  readonly mostBytes: number;
}

async function* contentsOf(
  { folder, mostBytes }: ArchiveFolder,
  file: ArchiveFile,
  onRead: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await open(realpathSync(join(folder, file.name)));
  try {
    if (versionOf(await handle.stat({ bigint: true })) !== file.version) throw new Error("it has changed");
    const unpacker = await unpackerOf(handle);
    const pieces = piecesOf(handle, onRead);
    if (unpacker === null) yield* pieces;
    else yield* boundedPieces(pieces, unpacker, mostBytes);
  } finally {
    await handle.close();
  }
}

/** By what the file begins with; null if it is not packed. */
async function unpackerOf(handle: FileHandle): Promise<Transform | null> {
  const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  if (buffer.readUInt16BE(0) === 0x1f8b) return createGunzip();
  return buffer.readUInt32BE(0) === 0x28b52ffd ? createZstdDecompress() : null;
}

async function* piecesOf(handle: FileHandle, onRead: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    onRead(bytesRead);
    yield buffer.subarray(0, bytesRead);
  }
}

async function* boundedPieces(
  pieces: AsyncIterable<Uint8Array>,
  unpacker: Transform,
  mostBytes: number,
): AsyncGenerator<Uint8Array> {
  pipeline(Readable.from(pieces), unpacker, () => {});
  let total = 0;
  for await (const piece of unpacker) {
    total += piece.length;
    if (total > mostBytes) throw new Error(`it unpacks to more than ${mostBytes} bytes`);
    yield piece;
  }
}

/** The files of an archive that list its images. Throws for one that is no tar archive, or ends too early. */
async function listsIn(archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<ArchiveLists> {
  const tar = extract();
  let manifest: string | null = null;
  let index: string | null = null;
  // An error of either end destroys the other, and is thrown to who reads.
  pipeline(Readable.from(archive, { signal }), tar, () => {});
  for await (const entry of tar) {
    const name = entry.header.name.replace(/^\.\//, "");
    if (name === "manifest.json") manifest = await textOf(name, entry as AsyncIterable<Uint8Array>);
    else if (name === "index.json") index = await textOf(name, entry as AsyncIterable<Uint8Array>);
    else entry.resume();
  }
  return { manifest, index };
}

async function textOf(name: string, content: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of content) {
    length += piece.length;
    if (length > longestList) throw new Error(`its ${name} is over ${longestList} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function wordsOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error)).slice(0, 512);
}
