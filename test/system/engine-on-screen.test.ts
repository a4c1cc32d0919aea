import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type PrivateEngine, startPrivateEngine } from "../../scripts/private-engine.ts";
import { loadTestImages } from "../../scripts/test-images.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, type Site } from "./harness.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const uid = "48484848-0000-4000-8000-000000000001";

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
    const container = { command: ["/bin/sleep", "1000"] };
    assert.equal((await site.ask(podUpdate({ name: "web", uid, msgId: uid, container }))).content, "OK");
    await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
  });
  after(async () => {
    engine?.thaw();
    await site?.close();
    await engine?.close();
  });

  /** The screen in 80 columns; what differs from run to run is named, and wrapped lines are joined. */
  const screen = async (): Promise<string> => {
    const { stdout } = await site.run("status");
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
    return stdout
      .replace(/\n {9}(?! )/g, " ")
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "TIME")
      .replace(/\b\d+[sm]\b/g, "A WHILE")
      .replace(/127\.0\.0\.1:\d+/g, "CENTER")
      .replaceAll(site.folder, "SITE")
      .replaceAll(engine.folder, "ENGINE");
  };
  const shows = (words: RegExp): Promise<string> =>
    site.eventually(`${words}`, async () => {
      const said = await screen();
      return words.test(said) ? said : undefined;
    });
  const golden = (note: string): string => `Node     edge-1
Agent    running for A WHILE (since TIME), version 0.1.0
Config   SITE/edge.config.json
Center   online for A WHILE (since TIME) ws://CENTER/websocket/edge-1/events
Engine   unavailable
Outbox   0 waiting, 0 bytes
Note     The engine cannot be used: ${note}

NAME  READY  STATUS   RESTARTS  AGE
web   0/1    Unknown  0         A WHILE
  Running, 1/1 ready, as last seen at TIME
`;

  test("a hung engine is named with its next step, and the pod shown as last seen", async (t) => {
    const began = performance.now();
    engine.freeze();
    const said = await shows(/did not answer in time/);
    t.diagnostic(`a hung engine was named after ${Math.round(performance.now() - began)} ms`);
    const note = "The engine did not answer in time. The engine hangs: restart it (systemctl restart docker).";
    assert.equal(said, golden(note));
    engine.thaw();
    await shows(/^web +1\/1 +Running/m);
  });

  test("a stopped engine is named with its next step, and the pod shown as last seen", async () => {
    await engine.stop();
    const said = await shows(/connect (?:ENOENT|ECONNREFUSED)/);
    const todo = "Start the engine (systemctl start docker), or correct engine.socket in the configuration.";
    const words = /cannot be used: (connect [A-Z]+ \S+)\. /.exec(said)?.[1];
    assert.equal(said, golden(`${words}. ${todo}`));
    await engine.start({ liveRestore: true });
    await shows(/^web +1\/1 +Running/m);
  });
});
