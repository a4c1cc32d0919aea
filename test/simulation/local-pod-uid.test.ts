import assert from "node:assert/strict";
import { test } from "node:test";
import type { ControlResponse } from "../../src/ports/control.ts";
import { podDelete, podUpdate } from "../samples/messages.ts";
import { connectedDevice, id, send } from "./world/connected-device.ts";
import { devicePod } from "./world/device-ledger.ts";
import type { World } from "./world/world.ts";

const settled = 3_000;

/** Applies a version of pod web; gives the uid that the answer names. */
function apply(world: World, version = 1, force = false): string {
  const query = new Map(force ? [["force", "true"]] : []);
  const response = world.control.ask({ method: "POST", path: "/v1/pods", body: devicePod("web", version), query });
  assert.ok(response?.status === 200, JSON.stringify(response?.body));
  return (response.body as { readonly pod: { readonly uid: string } }).pod.uid;
}

const remove = (world: World): ControlResponse | null => world.control.ask({ method: "DELETE", path: "/v1/pods/web" });

const rows = (world: World) => (world.process().published()?.pods ?? []).filter(({ name }) => name === "web");

const uids = (world: World): readonly string[] => world.host.running().map((one) => one.request?.pod.id.uid ?? "");

test("a local pod has a uid of its own from each creation, and keeps it through changes and restarts", async () => {
  const world = await connectedDevice();
  const first = apply(world);
  assert.match(first, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, "a random uuid");
  await world.clock.pass(settled);
  assert.deepEqual([apply(world), apply(world, 2)], [first, first]);
  await world.clock.pass(60_000);
  await world.restart({ powerCut: true });
  assert.equal(apply(world, 2), first);
  await world.clock.pass(60_000);
  assert.deepEqual(uids(world), [first]);
  remove(world);
  await world.clock.pass(60_000);
  const second = apply(world, 2);
  assert.notEqual(second, first);
  await world.clock.pass(settled);
  assert.deepEqual(uids(world), [second]);
  world.process().kill();
});

test("a local pod that is applied while its former pod ends is a new pod, and says what it waits for", async () => {
  const world = await connectedDevice();
  world.programs.temper("web", { kind: "stubborn" });
  const first = apply(world);
  await world.clock.pass(600_000);
  remove(world);
  const second = apply(world);
  await world.clock.pass(settled);
  const shown = rows(world).map(({ uid, status, reason }) => ({ uid, status, reason }));
  assert.deepEqual(
    shown.find(({ uid }) => uid === second),
    {
      uid: second,
      status: "ContainerCreating",
      reason: "waits for the former pod of this name to end, which may take 30 s",
    },
  );
  assert.equal(shown.find(({ uid }) => uid === first)?.status, "Terminating");
  await world.clock.pass(60_000);
  assert.deepEqual(uids(world), [second]);
  const [row, ...more] = rows(world);
  assert.deepEqual([row?.uid, row?.status, row?.reason, more.length], [second, "Running", null, 0]);
  const age = world.clock.wall() - Date.parse(row?.startTime ?? "");
  assert.ok(age < 120_000, "it is as old as it is, not as its former pod");
  world.process().kill();
});

test("a factory pod whose file comes back while it ends says what it waits for", async () => {
  const world = await connectedDevice();
  world.programs.temper("web", { kind: "stubborn" });
  world.factory.write("web.json", devicePod("web", 1));
  await world.clock.pass(settled);
  world.factory.remove("web.json");
  await world.clock.pass(settled);
  world.factory.write("web.json", devicePod("web", 1));
  await world.clock.pass(settled);
  assert.deepEqual(
    rows(world).map(({ status, reason }) => ({ status, reason })),
    [{ status: "Terminating", reason: "waits for the former pod of this name to end, which may take 30 s" }],
  );
  await world.clock.pass(60_000);
  assert.deepEqual(
    rows(world).map(({ status, reason }) => ({ status, reason })),
    [{ status: "Running", reason: null }],
  );
  world.process().kill();
});

test("a pod that is forced in place of the center's has a uid of its own, and the center takes it over with another", async () => {
  const world = await connectedDevice();
  await send(world, podUpdate({ name: "web", uid: "", msgId: id(1), resourceVersion: "4" }));
  await world.clock.pass(settled);
  const [ofCenter] = uids(world);
  const local = apply(world, 1, true);
  assert.notEqual(local, ofCenter);
  await world.clock.pass(60_000);
  assert.deepEqual(uids(world), [local]);
  assert.equal(await send(world, podUpdate({ name: "web", uid: "", msgId: id(2), resourceVersion: "5" })), "OK");
  await world.clock.pass(60_000);
  assert.deepEqual(uids(world), [ofCenter]);
  world.process().kill();
});

test("the center deletes a local pod by its name, by its uid, and not by another uid", async () => {
  const world = await connectedDevice();
  for (const named of ["name", "uid"]) {
    const local = apply(world);
    await world.clock.pass(settled);
    await send(world, podDelete({ name: "web", msgId: id(named === "name" ? 1 : 2), uid: id(9) }));
    await world.clock.pass(60_000);
    assert.deepEqual(uids(world), [local]);
    const uid = named === "name" ? "" : local;
    assert.equal(await send(world, podDelete({ name: "web", msgId: id(named === "name" ? 3 : 4), uid })), "OK");
    await world.clock.pass(60_000);
    assert.deepEqual(uids(world), []);
  }
  world.process().kill();
});

test("pods that were deleted on a device without a center hold up no other pod", async () => {
  const world = await connectedDevice();
  world.center.answerDials("hang");
  world.center.cut();
  for (let round = 0; round < 70; round += 1) {
    apply(world);
    await world.clock.pass(settled);
    remove(world);
    await world.clock.pass(5_000);
  }
  const kept = world.look((store) => store.terminatingPods.list());
  assert.equal(kept.length, 16);
  assert.deepEqual(
    world.look((store) => store.statuses.list().map(({ id: { uid } }) => uid)).toSorted(),
    kept.map(({ id: { uid } }) => uid).toSorted(),
  );
  world.process().kill();
});
