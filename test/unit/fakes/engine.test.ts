import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineEvent, EngineResult, ImageInfo } from "../../../src/ports/engine.ts";
import { acceptedPod, createRequest } from "../../contract/engine-requests.ts";
import { virtualClock } from "../../fakes/clock.ts";
import { fakeEngine } from "../../fakes/engine.ts";
import type { Behaviour } from "../../fakes/engine-container.ts";

const image: ImageInfo = { id: `sha256:${"1".repeat(64)}`, user: "65534", architecture: "amd64", volumes: [] };
const forever = new AbortController().signal;

function setUp(options: { liveRestore?: boolean; draw?: number; behaviour?: Behaviour } = {}) {
  const clock = virtualClock();
  const { liveRestore = false, draw = 0, behaviour = {} } = options;
  const { engine, host } = fakeEngine({ clock, random: { next: () => draw }, liveRestore });
  host.addImage("a:1", image);
  host.behave(() => behaviour);
  /** Lets time pass until the call has been answered. */
  const answer = async <T>(call: Promise<EngineResult<T>>): Promise<EngineResult<T>> => {
    let result: EngineResult<T> | undefined;
    void call.then((value) => {
      result = value;
    });
    assert.ok(await clock.passUntil(() => result !== undefined, 3_600_000), "No answer within an hour");
    return result as EngineResult<T>;
  };
  const value = async <T>(call: Promise<EngineResult<T>>): Promise<T> => {
    const result = await answer(call);
    assert.ok(result.ok, JSON.stringify(result));
    return result.value;
  };
  const kind = async <T>(call: Promise<EngineResult<T>>): Promise<string> => {
    const result = await answer(call);
    return result.ok ? "ok" : result.error.kind;
  };
  const started = async (attempt = 0): Promise<string> => {
    const request = createRequest(acceptedPod("web"), image, { attempt });
    const { id } = await value(engine.create(request, forever));
    await value(engine.start(id, forever));
    return id;
  };
  const state = (id: string) => host.container(id)?.state;
  return { clock, engine, host, answer, value, kind, started, state };
}

describe("the engine in memory", () => {
  it("runs programs on virtual time", async () => {
    const { clock, started, state } = setUp({ behaviour: { exit: { code: 7, afterMs: 600_000, oomKilled: false } } });
    const id = await started();
    await clock.pass(599_000);
    assert.equal(state(id)?.kind, "running");
    await clock.pass(2_000);
    const end = state(id);
    assert.ok(end?.kind === "exited" && end.exitCode === 7);
  });

  it("does not end a run with the program of the run before", async () => {
    const { clock, engine, host, value, started, state } = setUp({ behaviour: { exit: { code: 1, afterMs: 10_000 } } });
    const id = await started();
    await clock.pass(9_000);
    host.kill(id);
    await value(engine.start(id, forever));
    await clock.pass(5_000);
    assert.equal(state(id)?.kind, "running");
    await clock.pass(6_000);
    assert.equal(state(id)?.kind, "exited");
  });

  for (const how of ["stop", "crash"] as const) {
    it(`ends its containers without live-restore (${how})`, async () => {
      const { engine, host, kind, value, started, state } = setUp({ behaviour: { ignoresTerm: true } });
      const id = await started();
      host.down(how);
      assert.equal(state(id)?.kind, how === "stop" ? "exited" : "running");
      assert.equal(await kind(engine.list(forever)), "unavailable");
      host.up();
      const end = state(id);
      assert.ok(end?.kind === "exited" && end.exitCode === 137);
      assert.equal((await value(engine.list(forever))).length, 1);
    });

    it(`keeps its containers with live-restore (${how})`, async () => {
      const { engine, host, value, started } = setUp({ liveRestore: true });
      const id = await started();
      host.down(how);
      host.up();
      assert.equal((await value(engine.inspect(id, forever))).state.kind, "running");
    });
  }

  it("answers no call while it is frozen, and waiting calls when it thaws", async () => {
    const { clock, engine, host, kind, started } = setUp({ draw: 0.9 });
    const id = await started();
    host.freeze();
    const controller = new AbortController();
    const given = engine.stop(id, 10, controller.signal);
    let answered = false;
    const waiting = engine.list(forever).then(() => {
      answered = true;
    });
    await clock.pass(60_000);
    assert.equal(answered, false);
    assert.equal(host.pending(), 2);
    controller.abort(new DOMException("late", "TimeoutError"));
    assert.equal(await kind(given), "timeout");
    host.thaw();
    await clock.pass(1_000);
    await waiting;
    // The request was still in the socket.
    assert.equal(host.container(id)?.state.kind, "exited");
  });

  it("hangs, fails and loses answers as scripted", async () => {
    const { clock, engine, host, kind, value, answer } = setUp();
    host.fail("list", { kind: "failed", message: "no" }, 2);
    assert.deepEqual([await kind(engine.list(forever)), await kind(engine.list(forever))], ["failed", "failed"]);
    assert.equal(await kind(engine.list(forever)), "ok");

    const request = createRequest(acceptedPod("web"), image);
    for (const fault of ["hang", "loseAnswer"] as const) {
      host.fail("create", fault);
      const controller = new AbortController();
      const call = engine.create(request, controller.signal);
      await clock.pass(100_000);
      controller.abort();
      assert.equal(await kind(call), "aborted");
      assert.equal(host.containers().length, fault === "hang" ? 0 : 1);
    }
    assert.equal((await value(engine.list(forever))).length, 1);
    assert.ok(!(await answer(engine.create(request, forever))).ok);
    assert.equal(host.calls().filter(({ operation }) => operation === "create").length, 3);
    assert.equal(host.pending(), 0);
  });

  it("stops a container within its grace period, also when the caller has gone", async () => {
    const { clock, engine, kind, started, state } = setUp({ behaviour: { ignoresTerm: true } });
    const id = await started();
    const controller = new AbortController();
    const call = engine.stop(id, 30, controller.signal);
    await clock.pass(10_000);
    controller.abort();
    assert.equal(await kind(call), "aborted");
    assert.equal(state(id)?.kind, "running");
    await clock.pass(21_000);
    assert.equal(state(id)?.kind, "exited");
  });

  it("pulls published images, with credentials if the registry requires them", async () => {
    const { engine, host, kind } = setUp();
    const pull = (name: string, password: string | null) => {
      const credentials = { serverAddress: "r.test", username: "edge", password: password ?? "" };
      return kind(engine.pull(name, password === null ? null : credentials, forever));
    };
    host.publish("r.test/b", { ...image, id: `sha256:${"2".repeat(64)}` }, { username: "edge", password: "s" });
    host.publish("r.test/arm:1", { ...image, id: `sha256:${"3".repeat(64)}`, architecture: "arm64" });
    assert.equal(await kind(engine.image("r.test/b", forever)), "notFound");
    assert.equal(await pull("r.test/b", null), "registryAuth");
    assert.equal(await pull("r.test/b", "wrong"), "registryAuth");
    assert.equal(await pull("r.test/c", "s"), "imageNotFound");
    assert.equal(await pull("r.test/arm:1", null), "wrongArchitecture");
    host.network(false);
    assert.equal(await pull("r.test/b", "s"), "registryUnreachable");
    host.network(true);
    assert.equal(await pull("r.test/b", "s"), "ok");
    assert.equal(await kind(engine.image("r.test/b:latest", forever)), "ok");
    host.wipe();
    assert.equal(await kind(engine.image("r.test/b:latest", forever)), "notFound");
  });

  it("sends events to its watchers unless they are lost, and reports its end", async () => {
    const { clock, engine, host, kind, started } = setUp();
    const events: EngineEvent[] = [];
    const watching = engine.watch({ ready: () => undefined, changed: (event) => events.push(event) }, forever);
    await clock.pass(100);
    const id = await started();
    await clock.pass(100);
    assert.deepEqual(
      events.map(({ action }) => action),
      ["create", "start"],
    );
    host.loseEvents(true);
    host.kill(id);
    await clock.pass(100);
    assert.equal(events.length, 2);
    host.loseEvents(false);
    host.removeByHand(id);
    await clock.pass(100);
    assert.deepEqual(
      events.map(({ action }) => action),
      ["create", "start", "destroy"],
    );
    host.down();
    assert.equal(await kind(watching), "unavailable");
  });

  it("rejects a port that another process holds", async () => {
    const { engine, host, kind, value } = setUp();
    const ports = [{ containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" }] as const;
    const { id } = await value(engine.create(createRequest(acceptedPod("web", { ports }), image), forever));
    host.occupy("127.0.0.1:8080/TCP");
    assert.equal(await kind(engine.start(id, forever)), "portInUse");
    host.release("127.0.0.1:8080/TCP");
    assert.equal(await kind(engine.start(id, forever)), "ok");
  });
});
