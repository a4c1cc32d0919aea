import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type PrivateEngine, startPrivateEngine } from "../../scripts/private-engine.ts";
import { signalAll } from "../../scripts/processes.ts";
import { loadTestImages } from "../../scripts/test-images.ts";
import { podUpdate } from "../samples/messages.ts";
import { assertScreen, lookedAt, podScreen, steady } from "../screens/screen.ts";
import { createSite, only, runs, type Site } from "./harness.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const uidOf = (name: string): string =>
  `66666666-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;
/** Without anybody who asks for it a stopped shim shows in nothing. */
const probe = { exec: { command: ["/bin/true"] }, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 3 };
const crashing = ["one", "two", "three", "four"] as const;

/** Containerd's shim is the parent of a container's first process. */
function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

describe("one paused container and one whose shim is stopped, beside four that crash", { skip }, () => {
  let engine: PrivateEngine;
  let site: Site;
  let shim = 0;
  before(async () => {
    engine = await startPrivateEngine(() => undefined);
    await loadTestImages(engine.socket);
    site = createSite(engine);
    await site.startCenter();
    await site.startAgent();
    await site.online();
    for (const name of ["paused", "silent", ...crashing]) {
      const message = podUpdate({
        name,
        uid: uidOf(name),
        msgId: uidOf(name),
        container: { command: ["/bin/sleep", "1000"], ...(name === "silent" ? { readinessProbe: probe } : {}) },
      });
      assert.equal((await site.ask(message)).content, "OK");
    }
    for (const name of ["paused", "silent", ...crashing])
      await site.reported(
        uidOf(name),
        "Running",
        (entry) => runs(entry, 0) && only(entry.status.containerStatuses).ready,
      );
  });
  after(async () => {
    if (shim > 0) signalAll([shim], "SIGCONT");
    await site?.close();
    await engine?.close();
  });

  test("the crashing containers are restarted and reported, and edge status names the other two", async (t) => {
    const pidOf = async (name: string): Promise<number> => only(await site.containers(uidOf(name))).State.Pid;
    const victims = await Promise.all(crashing.map(pidOf));
    shim = parentOf(await pidOf("silent"));
    await site.docker.getContainer(only(await site.containers(uidOf("paused"))).Id).pause();
    signalAll([shim], "SIGSTOP");
    const began = performance.now();
    signalAll(victims, "SIGKILL");
    for (const name of crashing) {
      const { status } = await site.reported(uidOf(name), "its restart", (entry) => runs(entry, 1));
      const { lastState, ready } = only(status.containerStatuses);
      assert.deepEqual([lastState.terminated?.exitCode, ready], [137, true]);
    }
    t.diagnostic(`the four were restarted and reported within ${Math.round(performance.now() - began)} ms`);
    const notices = await site.eventually("edge status names the two", async () => {
      const said = (await site.status()).document.notices?.join("\n") ?? "";
      return /websocket\/paused\/app: it was paused by hand/.test(said) && /websocket\/silent\/app:/.test(said)
        ? said
        : undefined;
    });
    assert.match(notices, /websocket\/silent\/app: the engine does not answer about it/);
    t.diagnostic(`edge status named the two after ${Math.round(performance.now() - began)} ms`);
    const { status } = await site.reported(uidOf("paused"), "not ready", (entry) => entry.status.reason !== undefined);
    assert.deepEqual([status.reason, only(status.containerStatuses).ready], ["ContainerPaused", false]);
    for (const [name, word] of Object.entries({ paused: "ContainerPaused", silent: "ContainerStatusUnknown" })) {
      const document = await site.eventually(`${word} in edge status`, () => {
        const published = site.published();
        return published?.pods.find((pod) => pod.name === name)?.status === word ? published : undefined;
      });
      assertScreen(`${name}-container`, podScreen(steady(document), name, lookedAt));
    }
  });
});
