import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createEventRecorder } from "../../../../src/agent/event-recorder.ts";
import { createPuller, type PulledName } from "../../../../src/agent/images/image-puller.ts";
import { createPreloadedImages } from "../../../../src/agent/images/preloaded-images.ts";
import type { FetchProgress } from "../../../../src/core/image/pull-progress.ts";
import type { ImageArchives } from "../../../../src/ports/image-archives.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { fakeEngine } from "../../../fakes/engine.ts";
import { fakeImageArchives } from "../../../fakes/image-archives.ts";
import { seededRandom } from "../../../fakes/random.ts";
import { memoryStore } from "../../../fakes/store.ts";
import { sampleArchive } from "../../../samples/image-archive.ts";

const name = "edge.test/app:1";
const sample = sampleArchive({ names: [name, "edge.test/side:1"] });
const never = new AbortController().signal;

function set(store = memoryStore(), files = fakeImageArchives(), archives: ImageArchives = files.archives) {
  const clock = virtualClock();
  const { engine, host } = fakeEngine({ clock, random: seededRandom(1) });
  host.latency(1, 1, 1_000);
  const events = createEventRecorder({ store, clock, log: { write: () => {} } });
  const preloaded = createPreloadedImages({ archives, engine, store, clock, events, onNoticesChanged: () => {} });
  const brought: PulledName[] = [];
  const puller = createPuller({ engine, clock, preloaded, onImagePulled: (image) => brought.push(image) });
  const calls = (operation: string) => host.calls().filter((call) => call.operation === operation).length;
  const told = () => store.events.list({ limit: 100 }).map(({ reason, message }) => `${reason}: ${message}`);
  /** What a pull comes to: the archive, "pulled", or the kind of the error. */
  async function pull(image = name, signal = never, heard: (progress: FetchProgress) => void = () => {}) {
    const result = puller.pull({ image, credentials: [] }, signal, heard);
    await clock.pass(10_000);
    const settled = await result;
    return settled.ok ? (settled.value.archive ?? "pulled") : settled.error.kind;
  }
  return { clock, engine, host, store, files, preloaded, puller, brought, calls, told, pull };
}

describe("createPreloadedImages()", () => {
  it("loads an image from its archive, tells the progress and records what came", async () => {
    const { files, host, brought, calls, told, pull } = set();
    files.put("app.tar", sample.bytes);
    const heard: FetchProgress[] = [];
    assert.equal(await pull(name, never, (progress) => heard.push(progress)), "app.tar");
    assert.deepEqual(
      heard.map(({ tenths, archive }) => `${archive} ${tenths}`),
      ["app.tar 0", "app.tar 5", "app.tar 9"],
    );
    assert.equal(host.images().get(name)?.id, sample.id);
    assert.deepEqual(brought, [
      { id: sample.id, name },
      { id: sample.id, name: "edge.test/side:1" },
    ]);
    assert.deepEqual([calls("load"), calls("pull")], [1, 0]);
    assert.deepEqual(told(), ["ImageArchiveRead: Image archive app.tar holds edge.test/app:1, edge.test/side:1"]);
  });

  it("pulls no image that an archive holds and the engine has, and loads it again once it was deleted", async () => {
    const { files, host, calls, pull } = set();
    files.put("app.tar", sample.bytes);
    host.addImage(name, { id: "sha256:mine", user: "", architecture: "amd64", volumes: [] });
    assert.equal(await pull(), "app.tar");
    assert.deepEqual([calls("load"), calls("pull")], [0, 0]);
    host.removeImage(name);
    assert.equal(await pull(), "app.tar");
    assert.deepEqual([calls("load"), calls("pull")], [1, 0]);
  });

  it("loads one archive at a time, and once for all who wait for its images", async () => {
    const { files, calls, pull } = set();
    files.put("app.tar", sample.bytes);
    const both = await Promise.all([pull(), pull("edge.test/side:1")]);
    assert.deepEqual(both, ["app.tar", "app.tar"]);
    assert.equal(calls("load"), 1);
  });

  it("reads an archive once, also over a restart, and again when it has changed", async () => {
    const first = set();
    first.files.put("app.tar", sample.bytes);
    await first.pull();
    const next = set(first.store, first.files);
    assert.equal(next.preloaded.archiveOf(name), "app.tar", "known before the folder is looked at");
    assert.equal(await next.pull(), "app.tar");
    assert.equal(next.files.reads(), 1);
    next.files.put("app.tar", sampleArchive({ names: ["edge.test/else:1"] }).bytes);
    assert.equal(await next.pull("edge.test/else:1"), "app.tar");
    assert.equal(next.files.reads(), 2);
    assert.equal(next.preloaded.archiveOf(name), null);
    next.files.remove("app.tar");
    await next.preloaded.look(never);
    assert.equal(next.preloaded.archiveOf("edge.test/else:1"), null);
  });

  it("pulls as usual if an archive is damaged, tells it once, and reads it again when it changes", async () => {
    const { files, host, store, told, preloaded, pull } = set();
    files.put("app.tar", sample.bytes.subarray(0, 2_000));
    host.publish(name, { id: "sha256:pulled", user: "", architecture: "amd64", volumes: [] });
    assert.equal(await pull(), "pulled");
    const sentence = "Image archive app.tar cannot be used: Unexpected end of data";
    assert.deepEqual(told(), [`ImageArchiveFailed: ${sentence}`]);
    assert.deepEqual(preloaded.notices(), [sentence]);
    await preloaded.look(never);
    const restarted = set(store, files);
    await restarted.preloaded.look(never);
    assert.deepEqual(restarted.preloaded.notices(), [sentence]);
    assert.deepEqual([files.reads(), told().length], [1, 1]);
    files.put("app.tar", sample.bytes);
    assert.equal(await restarted.pull(), "app.tar");
    assert.deepEqual(restarted.preloaded.notices(), []);
  });

  it("says nothing of an archive that changes while it is read", async () => {
    const { archives, ...files } = fakeImageArchives();
    const growing: ImageArchives = {
      ...archives,
      async imageNames(file, signal, onRead) {
        const found = await archives.imageNames(file, signal, onRead);
        files.put("app.tar", sample.bytes);
        return found;
      },
    };
    const { preloaded, told } = set(memoryStore(), { archives, ...files }, growing);
    files.put("app.tar", sample.bytes.subarray(0, 2_000));
    await preloaded.look(never);
    assert.deepEqual([told(), preloaded.notices()], [[], []]);
    await preloaded.look(never);
    assert.equal(preloaded.archiveOf(name), "app.tar");
  });

  it("tells of a folder that is not trusted, and uses nothing of it", async () => {
    const { files, preloaded, told, pull } = set();
    files.put("app.tar", sample.bytes);
    files.distrust("others may write to it");
    assert.equal(await pull(), "imageNotFound");
    assert.deepEqual(told(), [
      "ImageArchiveFailed: The folder of image archives cannot be used: others may write to it",
    ]);
    files.distrust(null);
    assert.equal(await pull(), "app.tar");
    assert.deepEqual(preloaded.notices(), []);
  });

  it("pulls if the engine does not take an archive, and tries it again after five minutes", async () => {
    const { clock, files, host, preloaded, calls, told, pull } = set();
    files.put("app.tar", sample.bytes);
    host.fail("load", { kind: "failed", message: "invalid checksum" }, 2);
    assert.equal(await pull(), "imageNotFound");
    const sentence = "Image archive app.tar cannot be used: invalid checksum";
    assert.deepEqual(preloaded.notices(), [sentence]);
    assert.equal(await pull(), "imageNotFound");
    assert.equal(calls("load"), 1);
    await clock.pass(300_000);
    assert.equal(await pull(), "imageNotFound");
    assert.equal(told().filter((line) => line.endsWith(sentence)).length, 1, "once");
    await clock.pass(300_000);
    assert.equal(await pull(), "app.tar");
    assert.deepEqual(preloaded.notices(), []);
  });

  it("does not blame an archive for an engine that is away, hangs or has no space", async () => {
    const { clock, files, host, puller, preloaded, calls, pull } = set();
    files.put("app.tar", sample.bytes);
    host.fillDisk("data");
    assert.equal(await pull(), "diskFull");
    host.fillDisk("no");
    host.fail("load", { kind: "unavailable", message: "connect ENOENT" });
    assert.equal(await pull(), "unavailable");
    host.fail("load", "hang");
    const hung = puller.pull({ image: name, credentials: [] }, never);
    await clock.pass(130_000);
    const result = await hung;
    assert.equal(result.ok || result.error.kind, "timeout");
    assert.deepEqual([preloaded.notices(), calls("pull")], [[], 0]);
    assert.equal(await pull(), "app.tar");
  });

  it("gives up a load that no pod waits for, and goes on for those who do", async () => {
    const { clock, files, puller, pull, calls } = set();
    files.put("app.tar", sample.bytes);
    const stop = new AbortController();
    const left = puller.pull({ image: name, credentials: [] }, stop.signal);
    await clock.pass(500);
    stop.abort();
    const result = await left;
    assert.equal(result.ok || result.error.kind, "aborted");
    assert.equal(await pull(), "app.tar");
    assert.equal(calls("load"), 2);
  });
});
