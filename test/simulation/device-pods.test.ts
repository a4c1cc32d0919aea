import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ControlResponse } from "../../src/ports/control.ts";
import { podDelete, podRestart, podsData, podUpdate } from "../samples/messages.ts";
import { connectedDevice, id, send } from "./world/connected-device.ts";
import { devicePod } from "./world/device-ledger.ts";
import type { World } from "./world/world.ts";

const pod = (name: string, version = 1): string => devicePod(name, version);

const running = (world: World): readonly string[] =>
  world.host
    .running()
    .map(
      (one) =>
        `${one.request?.pod.id.name} ${JSON.stringify(one.request?.pod.spec.containers[0]?.env?.[0]?.value ?? "")}`,
    )
    .sort();

const refusedFiles = (world: World): readonly string[] =>
  (world.process().published()?.factoryFiles ?? []).map(
    ({ file, violations }) => `${file}: ${violations.map(({ message }) => message).join("; ")}`,
  );

function apply(world: World, body: string, force = false): ControlResponse | null {
  const query = new Map(force ? [["force", "true"]] : []);
  return world.control.ask({ method: "POST", path: "/v1/pods", body, query });
}

function sentences(response: ControlResponse | null): string {
  const body = response?.body as { message?: string; violations?: readonly { message: string }[] } | undefined;
  return `${response?.status} ${body?.message ?? body?.violations?.map(({ message }) => message).join("; ")}`;
}

const settled = 3_000;

describe("a factory pod", () => {
  async function withPod(): Promise<World> {
    const world = await connectedDevice();
    world.factory.write("web.json", pod("web"));
    await world.clock.pass(settled);
    assert.deepEqual(running(world), ['web "1"']);
    return world;
  }

  test("changes and goes with its file", async () => {
    const world = await withPod();
    world.factory.write("web.json", pod("web", 2));
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), ['web "2"']);
    world.factory.remove("web.json");
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), []);
    world.process().kill();
  });

  test("goes on while its file is half written, gone for a moment or refused", async () => {
    const world = await withPod();
    const [before] = world.host.running();
    const whole = pod("web");
    world.factory.write("web.json", whole.slice(0, 40));
    world.factory.write("web.json", whole);
    await world.clock.pass(settled);
    assert.deepEqual(refusedFiles(world), [], "it was whole before it was read");
    world.factory.write("web.json", whole.slice(0, 40));
    await world.clock.pass(settled);
    assert.deepEqual(refusedFiles(world), ["web.json: not valid JSON"]);
    world.factory.remove("web.json");
    await world.clock.pass(500);
    world.factory.write("web.json", JSON.stringify({ ...JSON.parse(whole), kind: "Deployment" }));
    await world.clock.pass(settled);
    assert.deepEqual(refusedFiles(world), [
      "web.json: kind Deployment is not supported; only Pod is: write its spec.template as a Pod with a name",
    ]);
    world.factory.write("web.json", whole);
    await world.clock.pass(settled);
    assert.deepEqual(refusedFiles(world), []);
    assert.deepEqual(
      world.host.running().map((one) => one.id),
      [before?.id],
    );
    world.process().kill();
  });

  test("goes on while the folder is missing, also over a restart of the agent", async () => {
    const world = await withPod();
    world.factory.mount(false);
    await world.clock.pass(120_000);
    await world.restart({ powerCut: false });
    await world.clock.pass(120_000);
    assert.deepEqual(running(world), ['web "1"']);
    assert.deepEqual(world.process().published()?.notices, [
      "The folder of factory pods, /etc/edge/pods.d, is missing. The factory pods that run go on.",
    ]);
    world.process().kill();
  });

  test("runs after a power cut offline, and after the data folder was lost", async () => {
    const world = await withPod();
    world.center.answerDials("hang");
    await world.restart({ powerCut: true, noBattery: true });
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), ['web "1"']);
    await world.restart({ powerCut: true, dataLost: true });
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), ['web "1"']);
    world.process().kill();
  });

  test("goes on if its file is among too many to be read", async () => {
    const world = await withPod();
    world.factory.remove("web.json");
    world.factory.crowd(2);
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), ['web "1"']);
    assert.deepEqual(world.process().published()?.notices, [
      "Over the limit and not read in /etc/edge/pods.d: 2 files. Delete files that are not needed.",
    ]);
    world.factory.crowd(1);
    await world.clock.pass(settled);
    assert.deepEqual(world.process().published()?.notices, [
      "Over the limit and not read in /etc/edge/pods.d: 1 file. Delete files that are not needed.",
    ]);
    world.factory.crowd(0);
    await world.clock.pass(settled);
    assert.equal(world.process().published()?.notices, undefined);
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), []);
    world.process().kill();
  });

  test("keeps its container when its file is renamed", async () => {
    const world = await withPod();
    const [before] = world.host.running();
    world.factory.remove("web.json");
    world.factory.write("10-web.json", pod("web"));
    await world.clock.pass(60_000);
    assert.deepEqual(
      world.host.running().map((one) => one.id),
      [before?.id],
    );
    assert.deepEqual(refusedFiles(world), []);
    world.process().kill();
  });

  test("is replaced when its file names another pod", async () => {
    const world = await withPod();
    world.factory.write("web.json", pod("other"));
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), ['other "1"']);
    world.process().kill();
  });

  test("is seen by the center, which can neither change nor delete nor restart it", async () => {
    const world = await withPod();
    const words = "FAILED: web is a factory pod of this device; only its file web.json changes it";
    assert.equal(await send(world, podUpdate({ name: "web", uid: id(1), msgId: id(2) })), words);
    assert.equal(await send(world, podDelete({ name: "web", msgId: id(3), uid: "" })), words);
    assert.equal(await send(world, podRestart({ name: "web", msgId: id(4) })), words);
    await send(world, podsData(id(5)));
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), ['web "1"']);
    const report = world.center
      .received()
      .map((text) => JSON.parse(text))
      .findLast(({ route }) => route.resource === "websocket/podstatus");
    assert.deepEqual(
      report.content.map((entry: { Name: string; metadata: { annotations: unknown } }) => [
        entry.Name,
        entry.metadata.annotations,
      ]),
      [["web", { "kubernetes.io/config.source": "file" }]],
    );
    world.process().kill();
  });

  test("waits until the center's pod of its name is deleted", async () => {
    const world = await connectedDevice();
    await send(world, podUpdate({ name: "web", uid: id(1), msgId: id(2) }));
    world.factory.write("web.json", pod("web"));
    await world.clock.pass(settled);
    assert.deepEqual(refusedFiles(world), [
      "web.json: the center has a pod web on this device; the file counts once that pod is deleted",
    ]);
    await send(world, podDelete({ name: "web", msgId: id(3), uid: id(1) }));
    await world.clock.pass(60_000);
    assert.deepEqual([refusedFiles(world), running(world)], [[], ['web "1"']]);
    world.process().kill();
  });

  test("of a second file of the same pod is refused", async () => {
    const world = await withPod();
    world.factory.write("z.json", pod("web", 2));
    await world.clock.pass(settled);
    assert.deepEqual(refusedFiles(world), ["z.json: file web.json already has a pod web"]);
    assert.deepEqual(running(world), ['web "1"']);
    world.process().kill();
  });
});

describe("a request on the device", () => {
  test("applies, changes, restarts and deletes a pod", async () => {
    const world = await connectedDevice();
    assert.equal(sentences(apply(world, pod("web"))), "200 Pod web is new");
    assert.equal(sentences(apply(world, pod("web"))), "200 Pod web is the same as before");
    await world.clock.pass(settled);
    assert.deepEqual(running(world), ['web "1"']);
    assert.equal(sentences(apply(world, pod("web", 2))), "200 Pod web has changed");
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), ['web "2"']);
    const [before] = world.host.running();
    const restart = world.control.ask({ method: "POST", path: "/v1/pods/web/restart" });
    assert.equal(sentences(restart), "200 Pod web is restarted");
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), ['web "2"']);
    assert.notEqual(world.host.running()[0]?.id, before?.id);
    const removed = world.control.ask({
      method: "DELETE",
      path: "/v1/pods/web",
      query: new Map([["graceSeconds", "1"]]),
    });
    assert.equal(sentences(removed), "200 Pod web is being deleted and ends within 1 s");
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), []);
    assert.equal(sentences(apply(world, pod("web"))), "200 Pod web is new");
    world.process().kill();
  });

  test("touches a pod of the center by force alone, and the center is told", async () => {
    const world = await connectedDevice();
    await send(world, podUpdate({ name: "web", uid: id(1), msgId: id(2), resourceVersion: "4" }));
    const words = "web is a pod of the center; --force does it anyway, and the center sees it";
    assert.equal(sentences(apply(world, pod("web"))), `409 ${words}`);
    assert.equal(sentences(world.control.ask({ method: "DELETE", path: "/v1/pods/web" })), `409 ${words}`);
    assert.equal(sentences(world.control.ask({ method: "POST", path: "/v1/pods/web/restart" })), `409 ${words}`);
    assert.equal(sentences(apply(world, pod("web"), true)), "200 Pod web has changed");
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), ['web "1"']);
    const last = world.center
      .received()
      .map((text) => JSON.parse(text))
      .findLast(({ route }) => route.resource === "websocket/podstatus");
    assert.deepEqual(last.content[0].metadata.annotations, { "kubernetes.io/config.source": "local" });
    const late = await send(world, podUpdate({ name: "web", uid: id(1), msgId: id(3), resourceVersion: "4" }));
    assert.match(late, /was deleted at resourceVersion 4; send a newer resourceVersion to create it again/);
    assert.equal(await send(world, podUpdate({ name: "web", uid: id(1), msgId: id(4), resourceVersion: "5" })), "OK");
    await world.clock.pass(60_000);
    assert.deepEqual(running(world), ['web ""'], "a newer version of the center takes the pod over");
    world.process().kill();
  });

  test("is told of every violation, of an unknown pod and of an unknown path", async () => {
    const world = await connectedDevice();
    const bad = JSON.parse(pod("web"));
    bad.spec.hostNetwork = true;
    bad.spec.containers[0].securityContext = { privileged: true };
    const response = apply(world, JSON.stringify(bad));
    assert.equal(response?.status, 422);
    assert.equal((response?.body as { violations: readonly unknown[] } | undefined)?.violations.length, 2);
    assert.equal(sentences(apply(world, "{")), "400 the body cannot be read: not valid JSON");
    assert.equal(
      sentences(apply(world, `${"[".repeat(100)}${"]".repeat(100)}`)),
      "400 the body cannot be read: nests deeper than 64 levels",
    );
    const unknown = world.control.ask({ method: "DELETE", path: "/v1/pods/nobody" });
    assert.equal(sentences(unknown), "404 there is no pod nobody on this device");
    for (const path of ["/", "/v2/pods", "/v1/pods/a/b/c", "/v1/constructor"]) {
      assert.equal(world.control.ask({ method: "GET", path })?.status, 404, path);
    }
    for (const name of ["..", "__proto__", "%2e%2e", "A"]) {
      assert.equal(world.control.ask({ method: "DELETE", path: `/v1/pods/${name}` })?.status, 400, name);
    }
    world.process().kill();
  });

  test("is refused on a full disk, and works when there is room", async () => {
    const world = await connectedDevice();
    world.fillStore(true);
    assert.match(sentences(apply(world, pod("web"))), /^507 The device's disk is full/);
    world.fillStore(false);
    assert.equal(sentences(apply(world, pod("web"))), "200 Pod web is new");
    world.process().kill();
  });

  test("shares ports and quota with the pods of the center and of files", async () => {
    const world = await connectedDevice();
    const withPort = (name: string): string => {
      const content = JSON.parse(pod(name));
      content.spec.containers[0].ports = [{ containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" }];
      return JSON.stringify(content);
    };
    world.factory.write("a.json", withPort("a"));
    await world.clock.pass(settled);
    assert.equal(sentences(apply(world, withPort("b"))), "422 TCP port 8080 on 127.0.0.1 is already used by pod a");
    const big = JSON.parse(pod("big"));
    big.spec.containers[0].resources = {
      limits: { cpu: "1000", memory: "8Mi" },
      requests: { cpu: "1000", memory: "8Mi" },
    };
    assert.match(sentences(apply(world, JSON.stringify(big))), /not enough CPU: the pod needs 1k, /);
    world.process().kill();
  });
});
