import { spawnSync } from "node:child_process";
import { isBelow } from "../core/admission/path.ts";
import { mountTable } from "./mount-table.ts";

/** Long beside the milliseconds that a mount takes; a file system that hangs must not hold the agent. */
const timeoutMs = 10_000;
/** More than an agent makes. */
const mostMounts = 4096;
const longestMessage = 256;

/**
 * Mounts an open file or folder, with all that is mounted below it, at a place that is there: what the descriptor holds,
 * whatever its path leads to by now (kubelet: subpath_linux.go, doBindSubPath). Later mounts below the source show there,
 * too, and an unmount at the place reaches the source never. Needs root and the `mount` of util-linux.
 * @returns why not, null when it is mounted
 */
export function bindMount(descriptor: number, place: string): string | null {
  // Without canonicalizing: `mount` would look the path up again, and that is what must not happen.
  return run("mount", ["--no-canonicalize", "--rbind", "--make-rslave", "/proc/self/fd/3", place], descriptor);
}

/**
 * Mounts a tmpfs that every user may write to.
 * @param bytes its size; null for the kernel's default, half of the memory
 * @returns why not, null when it is mounted
 */
export function mountMemory(place: string, bytes: number | null): string | null {
  const size = bytes === null ? "" : `,size=${bytes}`;
  return run("mount", [
    "--no-canonicalize",
    "--types",
    "tmpfs",
    "--options",
    `nosuid,nodev,mode=777${size}`,
    "tmpfs",
    place,
  ]);
}

/**
 * Unmounts whatever is mounted at a place, with all that is mounted below it. What still uses it keeps it.
 * @returns why not, null when nothing is mounted there any more
 */
export function unmountPlace(place: string): string | null {
  return unmountAll(() => pointsOf().filter((point) => point === place));
}

/** The same for everything below a folder. */
export function unmountBelow(folder: string): string | null {
  return unmountAll(() => mountedBelow(folder));
}

/** What is mounted below a folder of this device, as the agent sees it; those above first. */
export function mountedBelow(folder: string): readonly string[] {
  return pointsOf()
    .filter((point) => isBelow(point, folder))
    .toSorted((a, b) => a.length - b.length);
}

function pointsOf(): readonly string[] {
  return mountTable().map(({ point }) => point);
}

function unmountAll(left: () => readonly string[]): string | null {
  for (let round = 0; round < mostMounts; round += 1) {
    const [point] = left();
    if (point === undefined) return null;
    // An agent that was killed in the middle of a mount leaves one whose unmounts would reach its source.
    const trouble =
      run("mount", ["--no-canonicalize", "--make-rslave", point]) ??
      run("umount", ["--no-canonicalize", "--lazy", point]);
    if (trouble !== null) return trouble;
  }
  return "there is always another mount";
}

/** @param descriptor what the program finds as its descriptor 3 */
function run(program: string, args: readonly string[], descriptor?: number): string | null {
  const { error, status, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    stdio: ["ignore", "ignore", "pipe", descriptor ?? "ignore"],
  });
  if (status === 0) return null;
  return (error?.message ?? stderr.trim()).slice(0, longestMessage);
}
