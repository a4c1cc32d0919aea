import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ensurePackages } from "../../../scripts/debian.ts";
import { waitUntil } from "../../../scripts/processes.ts";
import { systemdSupervisor } from "../../../src/linux/supervisor.ts";

/**
 * Stands in for systemd: a unix datagram socket that prints what arrives, a line a message. In Perl, which every Debian
 * has, since Node knows no such sockets.
 */
const standIn = `use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un(shift)) or die;
$| = 1; print "listening\\n"; while (1) { recv($s, my $m, 4096, 0); $m =~ s/\\n/ /g; print "$m\\n"; }`;

async function systemd(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "edge-notify-"));
  const socket = join(folder, "notify.sock");
  const perl = spawn("perl", ["-e", standIn, socket], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => {
    perl.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });
  let said = "";
  perl.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(perl.stdout, "data");
  // systemd-notify waits for a BARRIER to be taken as well; it is no message of ours.
  const messages = () => said.split("\n").filter((line) => line.includes("=") && line !== "BARRIER=1");
  return { env: { PATH: process.env.PATH, NOTIFY_SOCKET: socket, WATCHDOG_USEC: "30000000" }, messages };
}

const silent = { write: () => {} };

test("what the agent says arrives on systemd's socket, one message at a time", async (t) => {
  ensurePackages(["systemd"], console.log);
  const { env, messages } = await systemd(t);
  const supervisor = systemdSupervisor(env, silent);
  assert.equal(supervisor?.aliveEveryMs, 10_000);
  supervisor.ready();
  // The first one is still on its way: this one is left out, another comes soon.
  supervisor.alive();
  assert.ok(await waitUntil(() => messages().length > 0, 60_000));
  assert.ok(
    await waitUntil(() => {
      supervisor.alive();
      return messages().length > 1;
    }, 60_000),
  );
  assert.deepEqual(messages().slice(0, 2), ["READY=1", "WATCHDOG=1"]);
});

test("a socket where nobody listens is told of in the log, and nothing more", async () => {
  const said: unknown[] = [];
  const env = { PATH: process.env.PATH, NOTIFY_SOCKET: "/nowhere/notify.sock" };
  const supervisor = systemdSupervisor(env, { write: (level, event) => said.push([level, event]) });
  assert.equal(supervisor?.aliveEveryMs, null);
  supervisor.ready();
  assert.ok(await waitUntil(() => said.length > 0, 60_000));
  assert.deepEqual(said, [["error", "systemd-notify failed"]]);
});

test("without systemd, or with a watchdog for another process, nobody waits to hear", () => {
  assert.equal(systemdSupervisor({}, silent), null);
  const other = { NOTIFY_SOCKET: "/x", WATCHDOG_USEC: "30000000" };
  assert.equal(systemdSupervisor({ ...other, WATCHDOG_PID: "1" }, silent)?.aliveEveryMs, null);
  assert.equal(systemdSupervisor({ ...other, WATCHDOG_PID: String(process.pid) }, silent)?.aliveEveryMs, 10_000);
});
