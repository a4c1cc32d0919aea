import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readText, waitUntil } from "./processes.ts";

/** A disk of its own: ext4 on a loop device, whose power can be cut and whose writes are counted. */
export interface Ext4Disk {
  /** Where it is mounted. */
  readonly folder: string;
  /**
   * What no flush has brought to the disk is lost, as when the power goes: EXT4_IOC_SHUTDOWN without a flush of the
   * journal. Nothing can be written from then on, until `mountAgain`, before which nobody may have a file open here.
   */
  cutPower(): void;
  mountAgain(): Promise<void>;
  /** Bytes written to the device since it is mounted, by its own counter, with all that waited in memory until now. */
  bytesWritten(): number;
  unmount(): Promise<void>;
}

/** `_IOR('X', 125, __u32)` of linux/ext4.h, and its flag EXT4_GOING_FLAGS_NOLOGFLUSH; Node itself has no ioctl. */
const shutdown =
  'open(my $f, "<", $ARGV[0]) or die $!; my $flag = pack("L", 2); ioctl($f, 0x8004587d, $flag) or die $!;';

/** Needs root. Throws what a tool says when one fails. */
export function mountExt4Disk(parent: string, sizeMiB: number): Ext4Disk {
  const [file, folder] = [join(parent, "disk.img"), join(parent, "disk")];
  mkdirSync(folder);
  run("truncate", `--size=${sizeMiB}M`, file);
  // All tables at once: the kernel would go on writing them later, and be counted.
  run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", file);
  const mount = (): void => run("mount", "-o", "loop", file, folder);
  /** Of the loop device that it is mounted from now. */
  const device = (): string => {
    const { dev } = statSync(folder);
    return `/sys/dev/block/${dev >> 8}:${dev & 0xff}`;
  };
  /** The threads of a killed process have their files open for a moment after it. */
  const unmount = async (): Promise<void> => {
    const unmounted = (): boolean => spawnSync("umount", [folder]).status === 0;
    if (!(await waitUntil(unmounted, 60_000))) run("umount", folder);
  };
  mount();
  return {
    folder,
    cutPower: () => run("perl", "-e", shutdown, folder),
    async mountAgain() {
      const backing = join(device(), "loop/backing_file");
      await unmount();
      // A process of an engine may have a copy of all mounts for a moment: the file system is alive as long, and as dead.
      if (!(await waitUntil(() => readText(backing)?.trim() !== file, 60_000)))
        throw new Error(`${file} is still in use`);
      mount();
    },
    bytesWritten() {
      run("sync", "--file-system", folder);
      const counters = readFileSync(join(device(), "stat"), "utf8").trim().split(/ +/);
      // The seventh is sectors written, always of 512 bytes (the kernel's Documentation/block/stat.rst).
      return Number(counters[6]) * 512;
    },
    unmount,
  };
}

function run(program: string, ...args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${error?.message ?? stderr}`);
}
