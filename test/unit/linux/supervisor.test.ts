import assert from "node:assert/strict";
import { test } from "node:test";
import { requirePackages } from "../../../scripts/packages.ts";
import { waitUntil } from "../../../scripts/processes.ts";
import { systemdSupervisor } from "../../../src/linux/supervisor.ts";
import { fakeSystemd } from "../../fakes/systemd.ts";

const silent = { write: () => {} };

test("notifications arrive on the socket of systemd, one message at a time", async (t) => {
  requirePackages("systemd");
  const { socket, messages, close } = await fakeSystemd();
  t.after(close);
  const env = { PATH: process.env.PATH, NOTIFY_SOCKET: socket, WATCHDOG_USEC: "30000000" };
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

test("a socket without a listener causes only a log line", async () => {
  const said: unknown[] = [];
  const env = { PATH: process.env.PATH, NOTIFY_SOCKET: "/nowhere/notify.sock" };
  const supervisor = systemdSupervisor(env, { write: (level, event) => said.push([level, event]) });
  assert.equal(supervisor?.aliveEveryMs, null);
  supervisor.ready();
  assert.ok(await waitUntil(() => said.length > 0, 60_000));
  assert.deepEqual(said, [["error", "systemd-notify failed"]]);
});

test("without systemd, or with the watchdog of another process, no notification is sent", () => {
  assert.equal(systemdSupervisor({}, silent), null);
  const other = { NOTIFY_SOCKET: "/x", WATCHDOG_USEC: "30000000" };
  assert.equal(systemdSupervisor({ ...other, WATCHDOG_PID: "1" }, silent)?.aliveEveryMs, null);
  assert.equal(systemdSupervisor({ ...other, WATCHDOG_PID: String(process.pid) }, silent)?.aliveEveryMs, 10_000);
});
