import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { isRunning } from "../../scripts/processes.ts";
import { podDelete, podUpdate } from "../samples/messages.ts";
import { createSite } from "./harness.ts";

const uid = "00000000-0000-4000-8000-000000000001";
const msgId = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
/** No image of this name is anywhere: the pod stays, and needs no engine to do so. */
const pod = { name: "web", uid, container: { image: "edge.test/none:1", imagePullPolicy: "IfNotPresent" } };

/** What is on the disk becomes something else, as on a disk that fails. */
function ruinStore(dataDir: string): void {
  for (const name of ["store.db", "store.db-wal", "store.db-shm"]) {
    const file = join(dataDir, name);
    const fd = openSync(file, "r+");
    writeSync(fd, Buffer.alloc(statSync(file).size, 0x5a));
    closeSync(fd);
  }
}

test("an agent that crashed three times starts in safe mode, reports it, and carries out deletes", async () => {
  const engine = await sharedEngine();
  const site = createSite(engine);
  after(() => site.close());
  await site.startCenter();
  for (let time = 1; time <= 3; time += 1) {
    await site.startAgent();
    await site.online();
    const pid = site.agentPid();
    await site.ask(podUpdate({ ...pod, msgId: msgId(10 + time), resourceVersion: String(time) }));
    ruinStore(site.dataDir);
    await site.sendAndForget(podUpdate({ ...pod, msgId: msgId(20 + time), resourceVersion: String(time + 100) }));
    await site.eventually(`end ${time}`, () => (isRunning(pid) ? undefined : true));
    const { ends } = JSON.parse(readFileSync(join(site.dataDir, "self-ended.json"), "utf8"));
    assert.equal(ends.length, time);
  }
  assert.doesNotMatch(site.logOf(), /\n\s+at [^\n]*\n\s+at /, "no stack outside of a JSON line");
  await site.startAgent();
  await site.online();
  const notices = await site.eventually("the notice", () => site.published()?.notices?.join("\n"));
  assert.match(notices, /Safe mode: the agent ended by itself 3 times within 10 minutes/);
  const { stdout } = await site.run("status");
  assert.match(stdout, /Safe mode/);
  const events = await site.run("events");
  assert.match(events.stdout, /StoreBegunAnew/);
  const { content } = await site.ask(podDelete({ name: "web", uid, msgId: msgId(30) }));
  assert.equal(content, "OK");
  await site.endAgent("SIGTERM");
  assert.equal(JSON.parse(readFileSync(join(site.dataDir, "self-ended.json"), "utf8")).ends.length, 3);
});
