import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type PrivateEngine, startPrivateEngine } from "../../scripts/private-engine.ts";
import { loadTestImages } from "../../scripts/test-images.ts";
import type { StatusDocument } from "../../src/core/status-document.ts";
import { podUpdate } from "../samples/messages.ts";
import { assertScreen, deviceScreen, lookedAt, podScreen, steady } from "../screens/screen.ts";
import { createSite, type Site } from "./harness.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const uid = "48484848-0000-4000-8000-000000000001";
const container = { command: ["/bin/sleep", "1000"] };

describe("edge status while the engine does not answer", { skip }, () => {
  let engine: PrivateEngine;
  let site: Site;
  before(async () => {
    engine = await startPrivateEngine(() => undefined, { liveRestore: true });
    await loadTestImages(engine.socket);
    site = createSite(engine);
    await site.startCenter();
    await site.startAgent();
    await site.online();
    assert.equal((await site.ask(podUpdate({ name: "web", uid, msgId: uid, container }))).content, "OK");
    await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
  });
  after(async () => {
    engine?.thaw();
    await site?.close();
    await engine?.close();
  });

  const shows = (what: string, is: (document: StatusDocument) => boolean): Promise<StatusDocument> =>
    site.eventually(what, async () => {
      const { document } = await site.status();
      return is(document) ? document : undefined;
    });
  const noted = (words: RegExp) => (document: StatusDocument) => words.test(document.notices?.join() ?? "");
  const runs = ({ pods }: StatusDocument): boolean => pods.every(({ status }) => status === "Running");
  const screen = (document: StatusDocument): string =>
    deviceScreen(steady(document, { [site.folder]: "/srv", [engine.folder]: "/run" }), lookedAt);

  test("a hung engine is named with its next step, and the pod shown as last seen", async (t) => {
    const began = performance.now();
    engine.freeze();
    const document = await shows("the hung engine", noted(/did not answer in time/));
    t.diagnostic(`a hung engine was named after ${Math.round(performance.now() - began)} ms`);
    assertScreen("engine-hung", screen(document));
    engine.thaw();
    await shows("the pods run", runs);
  });

  test("a stopped engine is named with its next step, and the pod shown as last seen", async () => {
    await engine.stop();
    const document = await shows("the stopped engine", noted(/connect (?:ENOENT|ECONNREFUSED)/));
    // The file of a socket may outlive its engine for a moment.
    const named = JSON.parse(JSON.stringify(document).replace("ECONNREFUSED", "ENOENT"));
    assertScreen("engine-stopped", screen(named));
  });

  test("an engine with mounts of its own starts no container with a host path, and edge status names the mount", async () => {
    await engine.start({ liveRestore: true, ownMounts: true });
    const volumes = [{ name: "host", hostPath: { path: site.hostFolder, type: "" } }];
    const volumeMounts = [{ name: "host", mountPath: "/host", readOnly: true }];
    const spec = { restartPolicy: "Never", volumes };
    const pod = { name: "mounts", uid: uid.replace(/1$/, "4"), msgId: uid.replace(/1$/, "5"), spec };
    assert.equal((await site.ask(podUpdate({ ...pod, container: { ...container, volumeMounts } }))).content, "OK");
    const is = ({ pods }: StatusDocument): boolean => pods.some(({ status }) => status === "MountsDiffer");
    const document = await shows("MountsDiffer", is);
    assertScreen("mounts-of-the-engine", podScreen(steady(document, { [site.folder]: "/srv" }), "mounts", lookedAt));
  });
});
