import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** In Perl, which every Debian has, since Node knows no unix datagram sockets. */
const program = `use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un(shift)) or die;
$| = 1; print "listening\\n"; while (1) { recv($s, my $m, 4096, 0); $m =~ s/\\n/ /g; print "$m\\n"; }`;

/** Stands in for systemd: the socket that sd_notify(3) speaks to, and what was said on it, in order. */
export async function fakeSystemd() {
  const folder = mkdtempSync(join(tmpdir(), "edge-notify-"));
  const socket = join(folder, "notify.sock");
  const perl = spawn("perl", ["-e", program, socket], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  perl.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(perl.stdout, "data");
  return {
    socket,
    // systemd-notify waits for a BARRIER to be taken as well; it is no message of ours.
    messages: () => said.split("\n").filter((line) => line.includes("=") && line !== "BARRIER=1"),
    close(): void {
      perl.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    },
  };
}
