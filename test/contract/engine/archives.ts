import assert from "node:assert/strict";
import { it } from "node:test";
import { sampleArchive } from "../../samples/image-archive.ts";
import { errorOf, generous, valued } from "../engine-results.ts";
import type { Bench } from "./bench.ts";

async function* inPieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

async function* damaged(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 1_024);
  throw new Error("unexpected end of file");
}

/** How an engine takes archives of images. */
export function archiveTests(bench: Bench): void {
  it("loads every image of an archive, and tells of its progress", async () => {
    const { architecture } = valued(await bench.engine.info(generous()));
    const name = `edge.test/loaded-${bench.nextName()}`;
    const names = [`${name}:1`, `${name}:latest`];
    const { bytes } = sampleArchive({ names, architecture, layerBytes: 300_000 });
    let told = 0;
    const loaded = await bench.engine.load(name, inPieces(bytes), generous(), () => {
      told += 1;
    });
    const { id, user } = valued(loaded);
    assert.equal(user, "65534");
    assert.ok(told >= 4, `${told}`);
    for (const one of names) assert.equal((await bench.image(one)).id, id);
    valued(await bench.engine.removeImage(id, generous()));
  });

  it("takes nothing of an archive that is damaged, lacks the image, or is for another machine", async () => {
    const { architecture } = valued(await bench.engine.info(generous()));
    const name = `edge.test/not-loaded-${bench.nextName()}:1`;
    const { bytes } = sampleArchive({ names: [name], architecture });
    const load = (archive: AsyncIterable<Uint8Array>, wanted = name, signal = generous()) =>
      bench.engine.load(wanted, archive, signal);
    const broken = await load(damaged(bytes));
    assert.equal(errorOf(broken), "failed");
    assert.match(broken.ok ? "" : broken.error.message, /unexpected end of file/);
    assert.equal(errorOf(await load(inPieces(bytes.subarray(0, 1_500)))), "failed");
    assert.equal(errorOf(await bench.engine.image(name, generous())), "notFound");
    assert.equal(errorOf(await load(inPieces(bytes), name, AbortSignal.abort())), "aborted");
    assert.equal(errorOf(await load(inPieces(bytes), "edge.test/no-such-image:1")), "notFound");
    const foreign = sampleArchive({ names: [name], architecture: architecture === "arm64" ? "amd64" : "arm64" });
    const ownId = (await bench.image(name)).id;
    assert.equal(errorOf(await load(inPieces(foreign.bytes))), "wrongArchitecture");
    for (const id of [ownId, (await bench.image(name)).id]) valued(await bench.engine.removeImage(id, generous()));
  });
}
