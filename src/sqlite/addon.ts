import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import type { Options } from "better-sqlite3";

/** What to give to `new Database`: in the built program the addon that it carries, else nothing. */
export type AddonOptions = Pick<Options, "nativeBinding">;

/** Compressed, as base64, by architecture; the build puts it in, and running from source there is no such name. */
declare const embeddedAddons: Readonly<Record<string, string>> | undefined;

/** An executable carries the one of its own architecture under this name, as it is. */
const asset = "sqlite.node";

/** Linux's own number, which Node does not name. The flag for folders differs between architectures. */
const temporaryFile = 0o20000000 | (process.arch === "arm64" ? 0o40000 : 0o200000);
const readWrite = 0o2;

/**
 * Loads SQLite's native code once a process. Twice would be two SQLites in one process, and closing a file in one of
 * them drops the locks of the other. Throws a sentence when this machine cannot load it.
 */
export const loadAddon: () => AddonOptions = once(() => {
  const bytes = carriedAddon();
  // better-sqlite3 takes the loaded addon too, though its types name only a path.
  return bytes === null ? {} : { nativeBinding: loadBytes(bytes) as string };
});

/** What keeps this machine from loading it, as a sentence; null when nothing does. */
export function addonProblem(): string | null {
  try {
    loadAddon();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function carriedAddon(): Uint8Array | null {
  const executable = process.getBuiltinModule("node:sea");
  if (executable?.isSea()) return new Uint8Array(executable.getRawAsset(asset));
  if (typeof embeddedAddons === "undefined") return null;
  const embedded = embeddedAddons[process.arch];
  if (embedded === undefined) throw new Error(`No SQLite for this machine: architecture is ${process.arch}`);
  return brotliDecompressSync(Buffer.from(embedded, "base64"));
}

/**
 * A folder may be mounted so that nothing in it can be run, or lack room; then the next one has to do. First those in
 * memory: a file without a name is written to a disk, too, while it is in use.
 */
function loadBytes(bytes: Uint8Array): unknown {
  const errors: unknown[] = [];
  for (const folder of folders()) {
    for (const load of [loadNameless, loadNamed]) {
      try {
        return load(folder, bytes);
      } catch (error) {
        errors.push(error);
      }
    }
  }
  throw new Error(whyNotLoaded(errors.map(String)));
}

function folders(): readonly string[] {
  return ["/dev/shm", "/run", tmpdir(), "/var/tmp"];
}

/** What the dynamic linker and the file system said, in one sentence. */
export function whyNotLoaded(errors: readonly string[]): string {
  const missing = errors
    .map((error) => /version `([\w.]+)' not found/.exec(error)?.[1])
    .find((name) => name !== undefined);
  const all = [...new Set(errors)].join("; ");
  // What the linker says of a file system that is mounted noexec.
  if (missing === undefined && /failed to map segment/.test(all)) {
    return `Cannot load SQLite: it needs one of ${folders().join(", ")} for a moment, and all of them are mounted noexec. Mount one without noexec, or name another folder in TMPDIR`;
  }
  if (missing === undefined) return `Cannot load SQLite: ${all}`;
  return `Cannot load SQLite: it needs glibc 2.28 or later and the libstdc++ of GCC 7 or later, and this machine lacks ${missing}`;
}

/** From a file without a name: nobody can tamper with it, and nothing is left to clean up. */
function loadNameless(folder: string, bytes: Uint8Array): unknown {
  const file = openSync(folder, temporaryFile | readWrite, 0o700);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    return open(`/proc/self/fd/${file}`);
  } finally {
    closeSync(file);
  }
}

/** Where a file system has no nameless files: a fresh folder that only this user can enter, gone once loaded. */
function loadNamed(folder: string, bytes: Uint8Array): unknown {
  const own = mkdtempSync(join(folder, "edge-addon-"));
  try {
    const file = join(own, "sqlite.node");
    writeFileSync(file, bytes, { mode: 0o700, flag: "wx" });
    return open(file);
  } finally {
    rmSync(own, { recursive: true });
  }
}

function open(path: string): unknown {
  const target: { exports: unknown } = { exports: {} };
  process.dlopen(target, path);
  return target.exports;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
