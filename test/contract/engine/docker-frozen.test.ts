import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type PrivateEngine, startPrivateEngine } from "../../../scripts/private-engine.ts";
import { loadTestImages, testImages } from "../../../scripts/test-images.ts";
import { dockerEngine } from "../../../src/docker/engine.ts";
import type { Engine, EngineResult, ExecResult } from "../../../src/ports/engine.ts";
import { acceptedPod, createRequest } from "../engine-requests.ts";
import { errorOf, eventually, generous, valued } from "../engine-results.ts";
import { besides, program } from "./machines.ts";

describe("Engine: Docker, frozen or stopped", () => {
  let docker: PrivateEngine;
  let engine: Engine;
  before(async () => {
    docker = await startPrivateEngine(() => undefined, { liveRestore: true });
    await loadTestImages(docker.socket);
    engine = dockerEngine({ socket: docker.socket });
  });
  after(async () => {
    for (const each of valued(await engine.list(generous()))) {
      await engine.stop(each.id, 0, generous());
      await engine.remove(each.id, generous());
    }
    await docker.close();
  });

  it("aborts a call to a frozen engine on its signal, and works after the thaw", async () => {
    valued(await engine.list(generous()));
    const image = valued(await engine.image(testImages.busybox, generous()));
    const request = createRequest(acceptedPod("frozen"), image);
    docker.freeze();
    try {
      const soon = (): AbortSignal => AbortSignal.timeout(300);
      const results: readonly EngineResult<unknown>[] = await Promise.all([
        engine.info(soon()),
        engine.ping(soon()),
        engine.list(soon()),
        engine.inspect("nobody", soon()),
        engine.create(request, soon()),
        engine.start("nobody", soon()),
        engine.stop("nobody", 0, soon()),
        engine.rename("nobody", "somebody", soon()),
        engine.remove("nobody", soon()),
        engine.image(testImages.busybox, soon()),
        engine.pull("127.0.0.1:9/none:1", null, soon()),
        engine.ensureSandboxImage(soon()),
        engine.images(soon()),
        engine.removeImage(testImages.busybox, soon()),
        engine.exec("nobody", ["true"], soon()),
        engine.isAlive("nobody", "0", soon()),
        engine.watch({ ready: () => assert.fail(), changed: () => assert.fail() }, soon()),
        dockerEngine({ socket: docker.socket }).list(soon()),
      ]);
      assert.deepEqual(new Set(results.map(errorOf)), new Set(["timeout"]));
      const controller = new AbortController();
      const call = engine.list(controller.signal);
      await sleep(20);
      controller.abort();
      assert.equal(errorOf(await call), "aborted");
    } finally {
      docker.thaw();
    }
    valued(await engine.list(generous()));
  });

  it("reports the result of a program as unknown if containerd neither starts it nor reports its end", async () => {
    const image = valued(await engine.image(testImages.busybox, generous()));
    const pod = acceptedPod("probed", program("forever"));
    const { id } = valued(await engine.create(createRequest(pod, image), generous()));
    valued(await engine.start(id, generous()));
    const begun: string[] = [];
    const run = (script: string): Promise<EngineResult<ExecResult>> =>
      engine.exec(id, ["sh", "-c", script], generous(), (beside) => void begun.push(beside));
    const ends = run(besides.slow.script);
    const slow = await eventually(async () => begun[0] ?? null);
    docker.freezeContainerd();
    let waits: Promise<EngineResult<ExecResult>> | undefined;
    try {
      waits = run(besides.slow.script);
      // It ends meanwhile, and nobody hears of it.
      await sleep(3_000);
      assert.equal(errorOf(await engine.isAlive(id, slow, AbortSignal.timeout(500))), "timeout");
      assert.equal(valued(await engine.inspect(id, generous())).state.kind, "running");
      assert.deepEqual(begun, [slow]);
    } finally {
      docker.thawContainerd();
    }
    const slowLives = await engine.isAlive(id, slow, generous());
    assert.equal(slowLives.ok && slowLives.value, false);
    assert.equal(valued(await ends).exitCode, 5);
    const second = await eventually(async () => begun[1] ?? null);
    assert.equal(valued(await engine.isAlive(id, second, generous())), true);
    assert.equal(valued(await waits).exitCode, 5);
  });

  it("reports unavailable while the engine is stopped, and lists every container afterwards", async () => {
    const image = valued(await engine.image(testImages.busybox, generous()));
    const { id } = valued(
      await engine.create(createRequest(acceptedPod("stays", program("forever")), image), generous()),
    );
    valued(await engine.start(id, generous()));
    const broken = new Promise<EngineResult<void>>((resolve) => {
      const ready = (): void => void docker.kill();
      void engine.watch({ ready, changed: () => undefined }, generous()).then(resolve);
    });
    assert.equal(errorOf(await broken), "unavailable");
    await eventually(async () => docker.pid() === undefined || null);
    assert.equal(errorOf(await engine.list(generous())), "unavailable");
    assert.equal(errorOf(await engine.info(generous())), "unavailable");
    await docker.start({ liveRestore: true });
    const list = valued(await engine.list(generous()));
    assert.equal(list.find((each) => each.id === id)?.state.kind, "running");
  });

  it("has a new engine run exactly when the engine started without its containers", async () => {
    const engineRun = async () => valued(await engine.info(generous())).runId ?? assert.fail();
    const engineRuns = [await engineRun()];
    for (const liveRestore of [true, false, false, true]) {
      await docker.stop();
      await docker.start({ liveRestore });
      engineRuns.push(await engineRun());
    }
    const [first, kept, without, again, restoring] = engineRuns;
    assert.equal(kept, first);
    assert.equal(new Set([kept, without, again]).size, 3);
    assert.ok(restoring !== without && restoring !== again);
  });
});
