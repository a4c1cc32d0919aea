import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { signalAll } from "../../scripts/processes.ts";
import { testImages } from "../../scripts/test-images.ts";
import { startTestRegistry, type TestRegistry } from "../../scripts/test-registry.ts";
import { podUpdate, registrySecret, secretUpdate } from "../samples/messages.ts";
import { createSite, type Entry } from "./harness.ts";
import { freePort } from "./sockets.ts";

const credentials = { username: "edge", password: "s3cret-of-the-registry" };
const id = (number: number): string => `33333333-0000-4000-8000-${String(number).padStart(12, "0")}`;
const engine = sharedEngine();
const site = createSite(engine);

describe("a pod whose registry needs a password", () => {
  let registry: TestRegistry | undefined;
  let image = "";
  let other = "";
  before(async () => {
    registry = await startTestRegistry({ ...engine, close: async () => {} }, { port: await freePort(), credentials });
    image = await registry.push(testImages.busybox, "library/private:1.0");
    other = await registry.push(testImages.busybox, "library/private:2.0");
    await site.startCenter();
    await site.startAgent();
    await site.online();
  });
  after(async () => {
    await registry?.close();
    await site.close();
  });

  const pod = (number: number, name: string, from: string) =>
    podUpdate({
      name,
      uid: id(number),
      msgId: id(100 + number),
      spec: { imagePullSecrets: [{ name: registrySecret }] },
      container: { image: from, command: ["/bin/sleep", "1000"] },
    });
  const secret = (number: number, password: string) => {
    const auth = Buffer.from(`${credentials.username}:${password}`).toString("base64");
    return secretUpdate(id(number), { auths: { [`https://${registry?.host}/v2/`]: { auth } } });
  };
  const waits = (uid: string, words: RegExp): Promise<Entry> =>
    site.wasReported(uid, `waiting with ${words}`, ({ status }) =>
      words.test(JSON.stringify(status.containerStatuses[0]?.state.waiting ?? {})),
    );

  test("reports a missing secret", async () => {
    assert.equal((await site.ask(pod(1, "web", image))).content, "OK");
    await waits(id(1), /ErrImagePull.*rejected the request.*secret fusion-director-docker-registry-secret is not on/);
  });

  test("reports a rejected password", async () => {
    assert.equal((await site.ask(secret(2, "s3cret-but-wrong"))).content, "OK");
    await waits(id(1), /ErrImagePull.*rejected the user name or password in secret .*unauthorized/);
  });

  test("runs at once after the right password", async () => {
    assert.equal((await site.ask(secret(3, credentials.password))).content, "OK");
    await site.reported(id(1), "Running", ({ status }) => status.phase === "Running");
  });

  test("reports a missing image and a registry that is gone differently", async () => {
    const host = registry?.host ?? "";
    assert.equal((await site.ask(pod(4, "none", `${host}/library/none:1.0`))).content, "OK");
    await waits(id(4), /ErrImagePull.*has no image .*library\/none:1\.0/);
    signalAll([registry?.pid ?? 0], "SIGKILL");
    assert.equal((await site.ask(pod(5, "late", other))).content, "OK");
    await waits(id(5), /ErrImagePull.*cannot be reached.*connection refused/);
    await site.reported(id(1), "still Running", ({ status }) => status.phase === "Running");
  });

  test("keeps its secret over a restart, and it is readable nowhere", async () => {
    await site.endAgent("SIGKILL");
    await site.startAgent();
    await site.online();
    const files = (readdirSync(site.folder, { recursive: true, encoding: "utf8" }) as readonly string[])
      .map((name) => join(site.folder, name))
      .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
    assert.ok(files.some((path) => path.endsWith("store.db")));
    const words = ["s3cret", Buffer.from(`edge:${credentials.password}`).toString("base64").slice(0, 20)];
    for (const path of files) {
      const text = readFileSync(path);
      for (const word of words) assert.equal(text.includes(word), false, `${path} holds ${word}`);
    }
  });
});
