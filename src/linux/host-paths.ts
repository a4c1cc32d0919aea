import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { cleanPath, pathList } from "../core/admission/path.ts";
import type { Policy } from "../core/admission/policy.ts";
import { isProtected } from "../core/admission/rules/host-paths.ts";
import { bindMount, unmountPlace } from "./bind-mounts.ts";
import { O_PATH, protectedByPlace } from "./protected-places.ts";
import { exchangeableIn } from "./trust.ts";

export interface HostPathOptions {
  /** The places lie below it. */
  readonly runDir: string;
  readonly policy: () => Policy;
  /** What no pod may see, whatever the policy says. */
  readonly protectedPaths: () => readonly string[];
}

/** A hostPath volume of a pod. */
export interface HostPathVolume {
  readonly uid: string;
  readonly volume: string;
  readonly path: string;
  readonly writable: boolean;
}

export type HostPathResult =
  /** `path` is what the engine is given, `real` what that shows of this device. */
  | { readonly ok: true; readonly path: string; readonly real: string }
  | { readonly ok: false; readonly message: string };

/**
 * Opens a host path, judges the open file or folder by the owner's policy, and mounts the descriptor at a place of the
 * agent's own below the run folder. Whoever exchanges a name of the path afterwards changes nothing: the engine is given
 * the place. A place that already shows it stays, so an agent that starts again finds its mounts, and a device that has
 * booted makes them anew. Nothing is made on the host.
 */
export function placeHostPath(options: HostPathOptions, asked: HostPathVolume): HostPathResult {
  const { path } = asked;
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, O_PATH);
    return placeOpened(options, asked, descriptor);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    if (code === "ENOENT") return refusal(`hostPath ${path} does not exist on this device; create it`);
    return refusal(`hostPath ${path} cannot be opened on this device: ${code}`);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function placeOpened(options: HostPathOptions, asked: HostPathVolume, descriptor: number): HostPathResult {
  const real = readlinkSync(`/proc/self/fd/${descriptor}`);
  const why =
    judged(options, asked, real) ??
    (fstatSync(descriptor).nlink === 0 ? "was removed just now" : null) ??
    protectedByPlace(descriptor, real, options.protectedPaths());
  const named = real === cleanPath(asked.path) ? `hostPath ${real}` : `hostPath ${asked.path} (which leads to ${real})`;
  if (why !== null) return refusal(`${named} ${why}`);
  const place = join(folderOf(options.runDir, asked.uid), placeName(asked.volume, real));
  const trouble = process.geteuid?.() === 0 ? mountAt(place, descriptor) : "the agent does not run as root";
  if (trouble === null) return { ok: true, path: place, real };
  const writable = exchangeableIn(real);
  if (writable === null) return { ok: true, path: real, real };
  return refusal(
    `${named} cannot be mounted by the agent (${trouble}), and other users may write to ${writable} and exchange the path. Run the agent as root with the mount of util-linux, or let only root write there`,
  );
}

/** Why a pod may not have it, null when it may. */
function judged(
  { policy, protectedPaths }: HostPathOptions,
  { writable }: HostPathVolume,
  real: string,
): string | null {
  if (isProtected(real, protectedPaths().map(realOrSame))) return "is protected: no pod may see it";
  const { hostPaths, writableHostPaths } = policy();
  const allowed = writable ? writableHostPaths : [...hostPaths, ...writableHostPaths];
  if (pathList(allowed)(real)) return null;
  return `is not allowed by this device's policy (${writable ? "writableHostPaths" : "hostPaths"})`;
}

/** A name of its own for every path, so that a container made with another one is seen to be. */
function placeName(volume: string, real: string): string {
  return `${volume}.${createHash("sha256").update(real).digest("hex").slice(0, 16)}`;
}

/** @returns why not, null when the place shows what the descriptor holds */
function mountAt(place: string, descriptor: number): string | null {
  if (shows(place, descriptor)) return null;
  const left = unmountPlace(place);
  if (left !== null) return left;
  makeMountPoint(place, fstatSync(descriptor).isDirectory());
  const trouble = bindMount(descriptor, place);
  if (trouble !== null) return trouble;
  return shows(place, descriptor) ? null : "the mount shows something else";
}

function shows(place: string, descriptor: number): boolean {
  const there = statSync(place, { bigint: true, throwIfNoEntry: false });
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  return there?.dev === dev && there.ino === ino;
}

/** An empty folder or file that nobody can use before something is mounted over it. */
function makeMountPoint(place: string, folder: boolean): void {
  const there = lstatSync(place, { throwIfNoEntry: false });
  if (there?.isDirectory() === folder) return;
  if (there !== undefined) removeMountPoint(place);
  mkdirSync(dirname(dirname(place)), { recursive: true });
  chmodSync(dirname(dirname(place)), 0o700);
  mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
  if (folder) mkdirSync(place, { mode: 0 });
  else writeFileSync(place, "", { mode: 0, flag: "wx" });
}

/** Unmounts and removes the places of a pod that are not among those to keep. Never looks into one that stays mounted. */
export function removeHostPaths(runDir: string, uid: string, keep: readonly string[] = []): void {
  const folder = folderOf(runDir, uid);
  if (!existsSync(folder)) return;
  const places = readdirSync(folder).map((name) => join(folder, name));
  for (const place of places) if (!keep.includes(place) && unmountPlace(place) === null) removeMountPoint(place);
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** uids of pods that have places. */
export function hostPathPods(runDir: string): readonly string[] {
  const folder = join(runDir, placesFolder);
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** One empty folder or file: what is mounted is refused by the kernel (EBUSY), what is not empty as well. */
function removeMountPoint(place: string): void {
  if (lstatSync(place).isDirectory()) rmdirSync(place);
  else unlinkSync(place);
}

const placesFolder = "host-paths";

function folderOf(runDir: string, uid: string): string {
  return join(runDir, placesFolder, uid);
}

function realOrSame(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function refusal(message: string): HostPathResult {
  return { ok: false, message };
}
