import assert from "node:assert/strict";
import { podHash, sandboxName, specHash } from "../../src/core/pod/identity.ts";
import type { Centre, ReportEntry } from "./pods.ts";
import type { World } from "./world.ts";

/** What must hold at every moment, whatever has happened (architecture.md, What must always hold). */
export function checkAlways(world: World, centre: Centre): void {
  okMeansOnDisk(world, centre);
  nothingIsDoubled(world);
  assert.deepEqual(world.unjustified(), [], "3: a container that runs is stopped only for a reason");
  assert.deepEqual(centre.surprises(), [], "2: what was accepted once is not refused when it comes again");
  for (const [request, answers] of centre.replies()) {
    assert.equal(answers.size, 1, `2: the request ${request} has one reply, however often it is said`);
  }
  const { pending } = world.look((store) => store.outboxCounts());
  assert.ok(pending <= 1_000, `10: ${pending} messages wait although few were asked for`);
}

/** 1: what was answered with OK is in the store; what is not answered may be. */
function okMeansOnDisk(world: World, centre: Centre): void {
  for (const { name, wanted, outstanding } of centre.ledgers) {
    const desired = world.look((store) => store.desiredPod("websocket", name));
    const is = desired === null ? "none" : `${desired.pod.id.uid} ${desired.pod.metadata.resourceVersion}`;
    const may = [wanted, ...(outstanding === null ? [] : [outstanding.wants])].map((one) =>
      one.kind === "none" ? "none" : `${one.uid} ${one.version}`,
    );
    assert.ok(may.includes(is), `1: ${name} should be ${may.join(" or ")}, and is ${is}`);
  }
}

/** 2: at most one container of a name runs, one sandbox a pod among them, and restarts are nobody else's business. */
function nothingIsDoubled(world: World): void {
  const seen = new Set<string>();
  for (const { request } of world.host.running()) {
    if (request === null) continue;
    const key = `${request.pod.id.namespace}/${request.pod.id.name}/${request.container}`;
    assert.ok(!seen.has(key), `2: two containers run for ${key}`);
    seen.add(key);
  }
}

/** What must hold once every fault has been mended and time has passed: the device does what the centre wants, and says so. */
export function checkSettled(world: World, centre: Centre): void {
  for (const { name, wanted, outstanding } of centre.ledgers) {
    assert.equal(outstanding, null, `6: ${name} was answered`);
    const entry = centre.lastReport().find((one) => one.Name === name);
    const running = world.host
      .running()
      .flatMap(({ id, request }) => (request?.pod.id.name === name ? [{ id, request }] : []));
    if (wanted.kind === "none") {
      assert.deepEqual(running, [], `2: nothing is left of ${name}`);
      assert.equal(entry, undefined, `6: ${name} has left the report`);
      continue;
    }
    const desired = world.look((store) => store.desiredPod("websocket", name));
    assert.ok(desired != null && entry !== undefined, `6: ${name} is wanted and reported`);
    const { spec } = desired.pod;
    const sandbox = running.find(({ request }) => request.container === sandboxName);
    const names = [...(spec.containers.length > 1 ? [sandboxName] : []), ...spec.containers.map((one) => one.name)];
    assert.deepEqual(
      running.map(({ request }) => request.container).sort(),
      names.sort(),
      `6: every container of ${name} runs and no other`,
    );
    for (const { request } of running) {
      assert.equal(request.pod.id.uid, wanted.uid, `6: ${name} runs as it is wanted`);
      assert.equal(request.podHash, podHash(spec), `6: ${name} runs as the newest pod`);
      assert.equal(request.generation, desired.generation, `2: ${name} was restarted as often as it was asked for`);
      const container = spec.containers.find((one) => one.name === request.container);
      if (container === undefined) continue;
      assert.equal(request.sandboxId, sandbox?.id ?? null, `2: ${name}/${container.name} is in the pod's sandbox`);
      assert.equal(request.specHash, specHash(container, spec), `6: ${name} runs the newest specification`);
      const status: ReportEntry["status"]["containerStatuses"][number] | undefined =
        entry.status.containerStatuses.find((one) => one.name === container.name);
      assert.ok(status?.state["running"] !== undefined, `6: ${name}/${container.name} is reported running`);
      assert.equal(status.restartCount, request.attempt, `6: the restarts of ${name} are those of its containers`);
    }
    assert.equal(entry.UID, wanted.uid, `6: ${name} is reported`);
    assert.equal(entry.status.phase, "Running", `6: ${name} is reported Running`);
    const ready = entry.status.conditions.find(({ type }) => type === "Ready")?.status;
    assert.equal(ready, "True", `6: ${name} is reported ready once its probes say so`);
    assert.equal(entry.status.containerStatuses.length, spec.containers.length, `6: ${name}: no sandbox in the report`);
  }
  assert.equal(world.look((store) => store.outboxCounts()).pending, 0, "6: everything was delivered");
  assert.deepEqual(
    world.look((store) => store.leavingPods()),
    [],
    "2: every tombstone is worked off",
  );
}
