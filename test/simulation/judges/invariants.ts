import assert from "node:assert/strict";
import { mountsConfigMap } from "../../../src/agent/pods/config-maps.ts";
import type { DesiredPod } from "../../../src/core/pod/desired.ts";
import { containerName, podHash, sandboxName, specHash } from "../../../src/core/pod/identity.ts";
import { npuCount, npuNode } from "../../../src/core/pod/npu.ts";
import type { ObservedState } from "../../../src/core/pod/observed.ts";
import type { TerminatedState } from "../../../src/core/pod/pod-status.ts";
import type { CreateRequest } from "../../../src/ports/engine.ts";
import type { FakeContainer } from "../../fakes/engine-container.ts";
import type { Center, ReportEntry } from "../world/center.ts";
import { configMapName } from "../world/config-map-ledger.ts";
import { possibleNow } from "../world/pod-ledger.ts";
import { images, type World } from "../world/world.ts";
import { checkDevicePods, checkLocalPod, checkMissingFolder } from "./device-pods.ts";

/** What must hold at every moment, whatever has happened (architecture.md, What always holds). */
export function checkAlways(world: World, center: Center): void {
  okMeansOnDisk(world, center);
  checkLocalPod(world);
  checkMissingFolder(world);
  nothingIsDoubled(world);
  npusAreExclusive(world);
  assert.deepEqual(world.unjustified(), [], `3: ${world.unjustified()[0]}`);
  assert.deepEqual(world.witness.faults(), [], world.witness.faults()[0]);
  assert.deepEqual(world.chronicle.faults(), [], world.chronicle.faults()[0]);
  reportedInTime(world, center);
  assert.deepEqual(center.surprises(), [], `2: an answer that was not expected: ${center.surprises()[0]}`);
  for (const [request, answers] of center.replies()) {
    assert.equal(answers.size, 1, `2: the request ${request} has one reply, however often it is said`);
  }
  const { pending } = world.look((store) => store.outbox.counts());
  assert.ok(pending <= 1_000, `10: ${pending} messages wait although few were asked for`);
}

/** 1: what was answered with OK is in the store; what is not answered may be. */
function okMeansOnDisk(world: World, center: Center): void {
  if (center.podsData.mayBeDone() && isEmpty(world)) return;
  for (const ledger of center.ledgers) {
    const { name, wanted, mostGeneration, restarts } = ledger;
    const desired = world.look((store) => store.desiredPods.get("websocket", name));
    const generation = desired?.generation ?? 0;
    assert.ok(generation <= mostGeneration, `2: ${name} is told to restart ${generation} times, not ${mostGeneration}`);
    const isSame = wanted.kind === "pod" && desired?.pod.id.uid === wanted.uid;
    assert.ok(
      !isSame || generation >= restarts,
      `1: ${name} was to restart ${restarts} times, and knows of ${generation}`,
    );
    const is = desired === null ? "none" : `${desired.pod.id.uid} ${desired.pod.metadata.resourceVersion}`;
    const may = possibleNow(ledger).map((one) => (one.kind === "none" ? "none" : `${one.uid} ${one.version}`));
    assert.ok(may.includes(is), `1: ${name} should be ${may.join(" or ")}, and is ${is}`);
  }
  configMapIsOnDisk(world, center);
}

const reportWithinMs = 5_000;
/** A store that was full is written to again within this, and everything is listed again. */
const writtenWithinMs = 40_000;

/** 6: while the line is good, a status that has changed is reported within seconds. */
function reportedInTime(world: World, center: Center): void {
  const steadySince = world.lineSteadySince();
  if (steadySince === null) return;
  const roomySince = world.storeRoomySince();
  if (roomySince === null || world.clock.mono() - roomySince < writtenWithinMs) return;
  if (world.clock.mono() - Math.max(steadySince, world.witness.statusChangedAt()) < reportWithinMs) return;
  const reported = new Map(center.lastReport().map((one) => [one.UID, JSON.stringify(one.status)]));
  const late = world.look((store) =>
    store.desiredPods.list().find(({ pod: { id } }) => {
      const status = store.statuses.get(id.uid)?.status;
      return status !== undefined && reported.get(id.uid) !== JSON.stringify(status);
    }),
  );
  assert.equal(late, undefined, `6: the status of ${late?.pod.id.name} was not reported when it changed`);
}

/**
 * An engine that was stuck may carry out a start beside what took its place, and so may a hand; the agent ends that within a
 * look and a grace period of an engine that stops what it is told to.
 */
const asideMs = 90_000;

function isAside({ host, clock }: World, id: string): boolean {
  const [at, ableSince] = [host.startedAside(id), host.ableSince()];
  return at !== null && (ableSince === null || clock.mono() - Math.max(at, ableSince) < asideMs);
}

/** 2: at most one container of a name runs, one sandbox a pod among them, and restarts are nobody else's business. */
function nothingIsDoubled(world: World): void {
  const seen = new Set<string>();
  for (const { id, request } of world.host.running()) {
    if (request === null || isAside(world, id)) continue;
    const key = `${request.pod.id.namespace}/${request.pod.id.name}/${request.container}`;
    assert.ok(!seen.has(key), `2: two containers run for ${key}`);
    seen.add(key);
  }
}

/** The NPUs that a container was made with, by name. */
export function npusOf(request: CreateRequest | null): readonly string[] {
  const names = (request?.devices ?? []).map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
  return names.filter((name) => npuNode.test(name));
}

/** It ran or its program cannot run: no agent starts it again. */
export function isOver(state: ObservedState): boolean {
  return state.kind === "exited" || (state.kind === "created" && state.cannotRun !== undefined);
}

/** Whoever runs or may be started has its NPUs for itself, as many as it asked for. */
function npusAreExclusive(world: World): void {
  const holders = new Map<string, string>();
  for (const { id, request, state, name } of world.host.containers()) {
    if (request === null || isOver(state) || isAside(world, id)) continue;
    const npus = npusOf(request);
    const spec = request.pod.spec.containers.find((one) => one.name === request.container);
    assert.equal(
      npus.length,
      spec === undefined ? 0 : npuCount(spec),
      `NPUs: ${name} has as many NPUs as it asked for`,
    );
    for (const npu of npus) {
      assert.equal(holders.get(npu), undefined, `NPUs: ${npu} is given to ${holders.get(npu)} and ${name}`);
      holders.set(npu, name);
    }
  }
}

/** What runs has recorded what it was made with, and nobody else has a record; a job that has ended keeps its own. */
function npusAreRecorded(world: World): void {
  const recorded = world.look((store) => store.npus.holders());
  const pods = world.look((store) => store.desiredPods.list().map(({ pod }) => pod));
  for (const { npu, pod, container } of recorded) {
    const spec = pods.find(({ id }) => id.uid === pod.uid)?.spec.containers.find(({ name }) => name === container);
    assert.ok(spec !== undefined && npuCount(spec) > 0, `NPUs: ${npu} is free again, ${pod.name} does not want it`);
  }
  for (const { request } of world.host.running()) {
    if (request === null) continue;
    const its = recorded.filter(
      ({ pod, container }) => pod.uid === request.pod.id.uid && container === request.container,
    );
    const [is, was] = [its.map(({ npu }) => npu).sort(), [...npusOf(request)].sort()];
    assert.deepEqual(is, was, `NPUs: what ${request.pod.id.name}/${request.container} holds is recorded`);
  }
}

/** What must hold once every fault has been mended and time has passed: the device does what the center wants, and says so. */
export function checkSettled(world: World, center: Center): void {
  assert.equal(center.podsData.outstanding(), null, "6: what came of deleting everything was told");
  for (const ledger of center.ledgers) {
    assert.equal(ledger.outstanding.length, 0, `6: ${ledger.name} was answered`);
    if (ledger.wanted.kind === "none") checkAbsent(world, center, ledger.name);
    else checkPresent(world, center, ledger.name, ledger.wanted.uid);
  }
  const uids = world.look((store) => store.desiredPods.list()).map(({ pod }) => pod.id.uid);
  assert.deepEqual(
    [...world.device.folders].filter((uid) => !uids.includes(uid)),
    [],
    "2: no folder is left of a pod that is gone",
  );
  assert.equal(world.look((store) => store.outbox.counts()).pending, 0, "6: everything was delivered");
  if (world.center.asksHistory()) assert.ok((world.chronicle.untold() ?? 0) === 0, "2: all history was told");
  configMapIsMounted(world, center);
  checkDevicePods(world);
  nothingIsLeftOver(world);
  npusAreRecorded(world);
}

/** A relist every 30 s, and a list takes some milliseconds of an engine that answers. */
const listedWithinMs = 31_000;

/** 4: events are only hints, so a device on which nothing happens asks the engine for its list all the same. */
export function checkListed({ host, clock }: World): void {
  const last = host.calls().findLast(({ operation }) => operation === "list");
  const agoMs = clock.mono() - (last?.at ?? 0);
  assert.ok(agoMs <= listedWithinMs, `4: the engine was asked for its list ${agoMs} ms ago`);
}

/** Deleting everything is one commit: all of the center's is gone, or nothing. */
function isEmpty({ look }: World): boolean {
  const isOfDevice = ({ pod }: DesiredPod): boolean => pod.origin !== undefined;
  return look((store) => store.desiredPods.list().every(isOfDevice) && store.configMaps.names().length === 0);
}

function configMapIsOnDisk(world: World, { configMap }: Center): void {
  const version = world.look((store) => store.configMaps.get(configMapName))?.["version"];
  const stored = version === undefined ? null : Number(version);
  const may = configMap.possible();
  assert.ok(may.includes(stored), `1: the config map should be ${may.join(" or ")}, and is ${stored}`);
}

/** 6: whoever mounts the config map sees the newest version. A folder that was lost below its containers is nobody's. */
function configMapIsMounted({ device, look }: World, { configMap }: Center): void {
  assert.equal(configMap.outstanding(), null, "6: the config map was answered");
  for (const { pod } of look((store) => store.desiredPods.list())) {
    const place = `${pod.id.uid}/${configMapName}`;
    if (!mountsConfigMap(pod, configMapName)) continue;
    const version = device.configMaps.get(place)?.["version"] ?? (device.lost.has(place) ? "lost" : "none");
    const isRight = version === String(configMap.accepted()) || version === "lost";
    assert.ok(isRight, `6: ${pod.id.name} sees version ${version} of the config map`);
  }
}

function runningOf(world: World, name: string): readonly (FakeContainer & { readonly request: CreateRequest })[] {
  return world.host
    .running()
    .flatMap((one) => (one.request?.pod.id.name === name ? [{ ...one, request: one.request }] : []));
}

function checkAbsent(world: World, center: Center, name: string): void {
  const running = runningOf(world, name).map((one) => one.name);
  assert.deepEqual(running, [], `2: nothing of ${name} runs`);
  const entry = center.lastReport().find((one) => one.Name === name);
  assert.equal(entry, undefined, `6: ${name} has left the report`);
}

function checkPresent(world: World, center: Center, name: string, uid: string): void {
  const entry = center.lastReport().find((one) => one.Name === name);
  const desired = world.look((store) => store.desiredPods.get("websocket", name));
  assert.ok(desired != null && entry !== undefined, `6: ${name} is wanted and reported`);
  assert.equal(entry.UID, uid, `6: ${name} is reported`);
  const { spec } = desired.pod;
  const history = world.look((store) => store.histories.get(uid));
  const isDone = ({ name: container }: { readonly name: string }): boolean => {
    const ended = history[container]?.termination ?? null;
    if (ended === null || spec.restartPolicy === "Always") return false;
    return spec.restartPolicy === "Never" || (ended.exitCode === 0 && !ended.interrupted);
  };
  const done = spec.containers.filter(isDone);
  const toRun = spec.containers.filter((one) => !done.includes(one)).map((one) => one.name);
  const running = runningOf(world, name);
  const sandbox = running.find(({ request }) => request.container === sandboxName);
  if (toRun.length > 0 && spec.containers.length > 1) toRun.push(sandboxName);
  const names = running
    .map(({ request }) => request.container)
    .filter((one) => one !== sandboxName || toRun.length > 0);
  assert.deepEqual(names.sort(), toRun.sort(), `6: every container of ${name} runs that is to, and no other`);
  for (const { request } of running) {
    assert.equal(request.pod.id.uid, uid, `6: ${name} runs as it is wanted`);
    assert.equal(request.podHash, podHash(spec), `6: ${name} runs as the newest pod`);
    assert.ok(request.generation >= desired.generation, `2: ${name} was restarted as often as it was asked for`);
    const container = spec.containers.find((one) => one.name === request.container);
    if (container === undefined) continue;
    assert.equal(request.sandboxId, sandbox?.id ?? null, `2: ${name}/${container.name} is in the pod's sandbox`);
    assert.equal(request.specHash, specHash(container, spec), `6: ${name} runs the newest specification`);
    const image = `sha256:${container.image === images.second ? "second" : "first"}`;
    assert.equal(request.image.id, image, `6: ${name}/${container.name} is made from the image that is wanted`);
    const status = statusOf(entry, container.name);
    assert.ok(status?.state["running"] !== undefined, `6: ${name}/${container.name} is reported running`);
    assert.ok(status.ready, `6: ${name}/${container.name} is reported ready`);
    assert.equal(status.restartCount, request.attempt, `6: the restarts of ${name} are those of its containers`);
  }
  for (const { name: container } of done) {
    const { terminated } = statusOf(entry, container)?.state ?? {};
    assert.ok(terminated !== undefined, `6: ${name}/${container} is reported as ended`);
    const { containerID = "", exitCode, reason } = terminated as TerminatedState;
    const state = world.host.container(containerID.replace("docker://", ""))?.state;
    if (state?.kind !== "exited" || reason === "ContainerStatusUnknown") continue;
    assert.equal(exitCode, state.exitCode, `6: ${name}/${container} is reported as it ended`);
  }
  assert.equal(entry.status.containerStatuses.length, spec.containers.length, `6: ${name}: no sandbox in the report`);
  if (done.length === spec.containers.length) {
    assert.ok(["Succeeded", "Failed"].includes(entry.status.phase), `6: ${name} is reported as ended`);
    return;
  }
  assert.equal(entry.status.phase, "Running", `6: ${name} is reported Running`);
  const ready = entry.status.conditions.find(({ type }) => type === "Ready")?.status;
  assert.equal(ready, done.length === 0 ? "True" : "False", `6: ${name} is reported ready once its probes say so`);
}

function statusOf(entry: ReportEntry, name: string): ReportEntry["status"]["containerStatuses"][number] | undefined {
  return entry.status.containerStatuses.find((one) => one.name === name);
}

/** 2: no container, row or folder of anything but the pods that are wanted. */
function nothingIsLeftOver(world: World): void {
  const terminating = world.look((store) => store.terminatingPods.list().map(({ id }) => id));
  assert.deepEqual(terminating, [], "2: every tombstone is worked off");
  const uids = world.look((store) => store.desiredPods.list().map(({ pod }) => pod.id.uid));
  const strays = world.host.containers().filter(({ request }) => !uids.includes(request?.pod.id.uid ?? ""));
  assert.deepEqual(
    strays.map(({ name }) => name),
    [],
    "2: no container is left of a pod that is not wanted",
  );
  for (const { name, request } of world.host.containers()) {
    if (request === null) continue;
    assert.equal(name, containerName({ ...request, pod: request.pod.id }), "2: a container has its own name again");
  }
  const rows = world.look((store) => store.uids()).filter((uid) => !uids.includes(uid));
  assert.deepEqual(rows, [], "2: no row is left of a pod that is not wanted");
  const folders = [...world.device.folders].filter((uid) => !uids.includes(uid));
  assert.deepEqual(folders, [], "2: no folder is left of a pod that is not wanted");
  const mounts = [...world.device.configMaps.keys()].filter((place) => !uids.includes(place.split("/")[0] ?? ""));
  assert.deepEqual(mounts, [], "2: no config map is left of a pod that is not wanted");
  const kept = new Map<string, number>();
  const joined = new Set(world.host.containers().map(({ request }) => request?.sandboxId));
  for (const { id, request } of world.host.containers()) {
    // It stays while what joined it stays, which is counted itself.
    if (joined.has(id)) continue;
    const key = `${request?.pod.id.name}/${request?.container}`;
    kept.set(key, (kept.get(key) ?? 0) + 1);
  }
  for (const [key, count] of kept) assert.ok(count <= 2, `2: ${count} containers are kept of ${key}`);
}
