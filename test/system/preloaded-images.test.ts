import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { testImages } from "../../scripts/test-images.ts";
import { podUpdate } from "../samples/messages.ts";
import { assertScreen, deviceScreen, lookedAt, steady } from "../screens/screen.ts";
import { createSite, runs } from "./harness.ts";

const site = createSite(sharedEngine());
after(() => site.close());

const repository = `edge.test/preloaded-${process.pid}`;
const image = `${repository}:1`;

/** What `docker save` writes of an image that is then nowhere else. */
async function savedImage(): Promise<Buffer> {
  const container = await site.docker.createContainer({ Image: testImages.busybox });
  await container.commit({ repo: repository, tag: "1" });
  await container.remove();
  const archive = await buffer(await site.docker.getImage(image).get());
  await site.docker.getImage(image).remove();
  return archive;
}

test("a pod runs from an archive on the device, without a registry, and a damaged archive beside it is told", async () => {
  const archive = await savedImage();
  const folder = join(site.dataDir, "images");
  mkdirSync(folder, { mode: 0o755 });
  writeFileSync(join(folder, "app.tar.zst"), zstdCompressSync(archive), { mode: 0o644 });
  writeFileSync(join(folder, "damaged.tar"), archive.subarray(0, 5_000), { mode: 0o644 });
  await site.startCenter();
  await site.startAgent();
  await site.online();
  const uid = "20200000-0000-4000-8000-000000000001";
  const container = { image, imagePullPolicy: "Always", command: ["/bin/sleep", "1000"] };
  const message = { name: "preloaded", uid, msgId: uid, container };
  assert.equal((await site.ask(podUpdate(message))).content, "OK");
  await site.reported(uid, "Running", (entry) => runs(entry, 0));
  const { stdout } = await site.run("events");
  assert.match(stdout, /Image archive app\.tar\.zst holds edge\.test\/preloaded-\d+:1/);
  assert.match(stdout, /Loading image edge\.test\/preloaded-\d+:1 from archive app\.tar\.zst/);
  assert.match(stdout, /Image "edge\.test\/preloaded-\d+:1" from archive app\.tar\.zst is on this device: sha256:/);
  const sentence = "Image archive damaged.tar cannot be used: Unexpected end of data";
  const notice = () => site.published()?.notices?.find((one) => one === sentence);
  assert.equal(await site.eventually("the notice", notice), sentence);
  const document = await site.shown("the running pod", ({ pods }) => pods.some(({ status }) => status === "Running"));
  assertScreen("damaged-image-archive", deviceScreen(steady(document, { [site.folder]: "/srv" }), lookedAt));
});
