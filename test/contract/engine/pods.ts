import assert from "node:assert/strict";
import { it } from "node:test";
import { madeContainer } from "../../../src/agent/pods/own-change.ts";
import { sandboxName } from "../../../src/core/pod/identity.ts";
import { errorOf, generous, valued } from "../engine-results.ts";
import type { Bench } from "./bench.ts";
import { program } from "./machines.ts";

/** What an engine does with the containers of a pod and their sandbox. */
export function podTests(bench: Bench): void {
  const { request, create, podOf, stateOf, exited } = bench;

  it("has the sandbox image under an id of the engine's, however often it is asked", async () => {
    const { architecture } = valued(await bench.engine.info(generous()));
    const facts = valued(await bench.engine.ensureSandboxImage(generous()));
    const { id, digest: _, ...image } = facts;
    assert.match(id, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(image, { user: "65535:65535", architecture, volumes: [] });
    assert.deepEqual(valued(await bench.engine.ensureSandboxImage(generous())), facts);
    assert.equal(valued(await bench.engine.image(id, generous())).id, id);
  });

  it("lets the containers of a pod join its sandbox, which alone has an address", async () => {
    const { pod, sandbox, part } = await podOf();
    const app = await part("app");
    const ids = [await create(app), await create(await part("side"))];
    assert.deepEqual(madeContainer(ids[0] ?? "", app), valued(await bench.engine.inspect(ids[0] ?? "", generous())));
    for (const id of ids) valued(await bench.engine.start(id, generous()));
    const list = valued(await bench.engine.list(generous()));
    const its = list.filter((each) => each.pod.name === pod.id.name);
    const shown = its.map(({ id, container, sandboxId, state }) => ({ id, container, sandboxId, kind: state.kind }));
    assert.deepEqual(
      shown.sort((a, b) => (a.container < b.container ? -1 : 1)),
      [
        { id: sandbox, container: sandboxName, sandboxId: undefined, kind: "running" },
        { id: ids[0], container: "app", sandboxId: sandbox, kind: "running" },
        { id: ids[1], container: "side", sandboxId: sandbox, kind: "running" },
      ],
    );
    assert.deepEqual(
      its.map(({ ip, container }) => [container === sandboxName, ip !== undefined]),
      its.map(({ container }) => [container === sandboxName, container === sandboxName]),
    );
    valued(await bench.engine.stop(sandbox, 20, generous()));
    const state = await stateOf(sandbox);
    assert.ok(state.kind === "exited" && state.exitCode === 0, JSON.stringify(state));
  });

  it("does not start a container whose sandbox is dead or gone, and leaves those that run", async () => {
    const { sandbox, part } = await podOf();
    const app = await create(await part("app"));
    const side = await create(await part("side"));
    valued(await bench.engine.start(app, generous()));
    await bench.machine.killByHand(sandbox);
    await exited(sandbox);
    assert.equal((await stateOf(app)).kind, "running");
    assert.equal(errorOf(await bench.engine.start(side, generous())), "conflict");
    assert.equal((await stateOf(side)).kind, "created");
    valued(await bench.engine.remove(sandbox, generous()));
    assert.equal((await stateOf(app)).kind, "running");
    assert.equal(valued(await bench.engine.inspect(app, generous())).sandboxId, sandbox);
    assert.ok(["conflict", "notFound"].includes(errorOf(await bench.engine.start(side, generous()))));
    valued(await bench.engine.stop(app, 20, generous()));
    assert.equal((await stateOf(app)).kind, "exited");
  });

  it("publishes the ports of all containers at their sandbox", async () => {
    const port = {
      containerPort: 80,
      hostPort: bench.machine.hostPorts[1],
      protocol: "TCP",
      hostIP: bench.machine.hostIp,
    } as const;
    const { part } = await podOf({ ports: [port] });
    const app = await create(await part("app"));
    valued(await bench.engine.start(app, generous()));
    const other = await create(await request({ ...program("forever"), ports: [port] }));
    assert.equal(errorOf(await bench.engine.start(other, generous())), "portInUse");
  });

  it("makes no container of several without a sandbox, and no sandbox for one alone", async () => {
    const { part } = await podOf();
    const alone = await request(program("forever"));
    const own = valued(await bench.engine.ensureSandboxImage(generous()));
    for (const wanted of [
      { ...(await part("app", 1)), sandboxId: null },
      { ...alone, sandboxId: "a".repeat(64) },
      { ...alone, container: sandboxName, image: own },
    ]) {
      assert.equal(errorOf(await bench.engine.create(wanted, generous())), "invalid");
    }
  });
}
