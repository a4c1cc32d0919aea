import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** pidfd_open(2) and process_madvise(2) by their numbers, which x64 and arm64 share; 21 is MADV_PAGEOUT. */
const perl = `
my $pid = shift; my $fd = syscall(434, $pid + 0, 0); die "pidfd_open: $!\n" if $fd < 0;
for (@ARGV) {
  my ($from, $to) = map { hex } split /-/;
  syscall(440, $fd, my $range = pack("QQ", $from, $to - $from), 1, 21, 0) < 0 and die "process_madvise: $!\n";
}`;

/**
 * Has the kernel put away every page of a file that a process has mapped, as it would by itself where memory is short. What
 * the process needs of them comes back when it is touched. Needs root and Linux 5.10.
 */
export function pageOutFiles(pid: number): void {
  const maps = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n");
  const ranges = maps.flatMap((line) => /^([0-9a-f]+-[0-9a-f]+) \S+ \S+ \S+ \d+ +\//.exec(line)?.[1] ?? []);
  const run = spawnSync("perl", ["-e", perl, String(pid), ...ranges], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`Cannot page out ${pid}: ${run.error?.message ?? run.stderr}`);
}
