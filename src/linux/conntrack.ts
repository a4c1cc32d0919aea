import { execFile } from "node:child_process";

const deadlineMs = 10_000;

/**
 * Makes the kernel forget who sends to these UDP ports of the host. Its entry for a sender that never pauses outlives the
 * container that it led to, and the next one would hear nothing; docker does it itself from version 23 on (moby#8795).
 * Fine without the program `conntrack`, and where there is no such entry. Resolves when it is done, whatever came of it.
 */
export async function forgetUdpSenders(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    await new Promise<void>((resolve) => {
      const args = ["--delete", "--proto", "udp", "--orig-port-dst", String(port)];
      execFile("conntrack", args, { timeout: deadlineMs }, () => resolve());
    });
  }
}
