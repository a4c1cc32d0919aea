import assert from "node:assert/strict";
import { it } from "node:test";
import { testImages } from "../../../scripts/test-images.ts";
import type { EngineEvent } from "../../../src/ports/engine.ts";
import { acceptedPod, createRequest } from "../engine-requests.ts";
import { errorOf, eventually, generous, valued } from "../engine-results.ts";
import type { Bench } from "./bench.ts";
import { needsRoot, program } from "./machines.ts";

/** What an engine tells of events and images, and how it mounts and is given up on. */
export function surroundingTests(bench: Bench): void {
  const { image, request, create, exited } = bench;

  it("calls when something happens to a container of a pod", async () => {
    const controller = new AbortController();
    const events: EngineEvent[] = [];
    let ready = 0;
    const handlers = {
      ready: () => {
        ready += 1;
      },
      changed: (event: EngineEvent) => void events.push(event),
    };
    const watching = bench.engine.watch(handlers, controller.signal);
    await eventually(async () => ready > 0 || null);
    const wanted = await request(program("exit7"));
    const id = await create(wanted);
    valued(await bench.engine.start(id, generous()));
    await exited(id);
    valued(await bench.engine.remove(id, generous()));
    const own = () => events.filter((event) => event.containerId === id);
    await eventually(async () => own().some(({ action }) => action === "destroy") || null);
    const actions = own().map(({ action }) => action);
    assert.deepEqual(
      actions.filter((action) => ["create", "start", "die", "destroy"].includes(action)),
      ["create", "start", "die", "destroy"],
    );
    assert.ok(own().every(({ namespace, name }) => namespace === "websocket" && name === wanted.pod.id.name));
    controller.abort();
    assert.equal(errorOf(await watching), "aborted");
    assert.equal(ready, 1);
  });

  it("says that an image has come, and that one has gone", async () => {
    const controller = new AbortController();
    let ready = false;
    let changes = 0;
    const handlers = {
      ready: () => {
        ready = true;
      },
      changed: () => {},
      imagesChanged: () => {
        changes += 1;
      },
    };
    const watching = bench.engine.watch(handlers, controller.signal);
    await eventually(async () => ready || null);
    const spare = `edge.test/told-${bench.nextName()}:1`;
    // What happened just before is told, too.
    let before = changes;
    await bench.machine.addImage([spare, `${spare}-too`]);
    await eventually(async () => changes > before || null);
    const { id } = await image(spare);
    before = changes;
    valued(await bench.engine.removeImage(id, generous()));
    await eventually(async () => changes > before || null);
    controller.abort();
    assert.equal(errorOf(await watching), "aborted");
  });

  it("says that somebody has given a running container other networks", async () => {
    const controller = new AbortController();
    const reconfigured: string[] = [];
    let ready = false;
    const handlers = {
      ready: () => {
        ready = true;
      },
      changed: () => {},
      reconfigured: (id: string) => void reconfigured.push(id),
    };
    const watching = bench.engine.watch(handlers, controller.signal);
    await eventually(async () => ready || null);
    const id = await create(await request(program("forever")));
    valued(await bench.engine.start(id, generous()));
    // Its start may have been told as the first of them.
    const before = reconfigured.filter((each) => each === id).length;
    await bench.machine.disconnectByHand(id);
    await eventually(async () => reconfigured.filter((each) => each === id).length > before || null);
    controller.abort();
    assert.equal(errorOf(await watching), "aborted");
  });

  it("lists images with all their names, and removes one that no container needs", async () => {
    const spare = bench.nextName();
    const names = ["a", "b"].map((letter) => `edge.test/spare-${spare}-${letter}:1`) as [string, string];
    await bench.machine.addImage(names);
    const { id } = await image(names[0]);
    const listed = async () => valued(await bench.engine.images(generous())).find((one) => one.id === id);
    const { sizeBytes, ...rest } = (await listed()) ?? assert.fail();
    assert.ok(sizeBytes > 0);
    assert.deepEqual({ ...rest, names: [...rest.names].sort() }, { id, names, inUse: false });
    const container = await create(await request(program("forever"), names[1]));
    assert.equal((await listed())?.inUse, true, "a container that never ran counts");
    assert.equal(errorOf(await bench.engine.removeImage(id, generous())), "conflict");
    assert.equal((await image(names[0])).id, id);
    valued(await bench.engine.remove(container, generous()));
    valued(await bench.engine.removeImage(id, generous()));
    assert.equal(await listed(), undefined);
    for (const name of names) assert.equal(errorOf(await bench.engine.image(name, generous())), "notFound");
    valued(await bench.engine.removeImage(id, generous()));
  });

  it("seals what is mounted below a read-only folder, or makes no container of an engine that cannot", async (t) => {
    if (needsRoot) return t.skip(needsRoot);
    const sealed = "test -d /data/below/here || exit 4; mkdir /data/below/here/new && exit 5; exit 6";
    const volumeMounts = [{ name: "data", mountPath: "/data", readOnly: true }];
    const pod = acceptedPod(bench.nextName(), { command: ["sh", "-c", sealed], volumeMounts });
    const folders = { volumePaths: { data: bench.machine.folderWithMount() }, submounts: ["data"] };
    const wanted = createRequest(pod, await image(testImages.busybox), folders);
    const { apiVersion, product } = valued(await bench.engine.info(generous()));
    if (product === "podman" || Number(apiVersion.split(".")[1]) < 44) {
      assert.equal(errorOf(await bench.engine.create(wanted, generous())), "invalid");
      return;
    }
    const id = await create(wanted);
    valued(await bench.engine.start(id, generous()));
    assert.equal((await exited(id)).exitCode, 6);
    assert.deepEqual(valued(await bench.engine.audit(id, wanted, generous())).differences, []);
  });

  it("answers a call that was given up on before it began", async () => {
    const signal = AbortSignal.abort();
    for (const result of [
      await bench.engine.list(signal),
      await bench.engine.info(signal),
      await bench.engine.pull("edge.test/none:1", null, signal),
      await bench.engine.watch({ ready: () => assert.fail(), changed: () => assert.fail() }, signal),
    ]) {
      assert.equal(errorOf<unknown>(result), "aborted");
    }
  });
}
