import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import Docker from "dockerode";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { testImages } from "../../scripts/test-images.ts";
import { createPuller } from "../../src/agent/images/image-puller.ts";
import { createKnownImages } from "../../src/agent/images/known-images.ts";
import { createLimiter } from "../../src/agent/loop/limiter.ts";
import { execute } from "../../src/agent/pods/executor.ts";
import { defaultProtectedPaths } from "../../src/core/admission/context.ts";
import { defaultPolicy } from "../../src/core/admission/policy.ts";
import type { Action } from "../../src/core/pod/action.ts";
import type { ContainerSpec, PodSpec } from "../../src/core/pod/spec.ts";
import { dockerEngine } from "../../src/docker/engine.ts";
import { bindMount, mountedBelow, unmountBelow } from "../../src/linux/bind-mounts.ts";
import { linuxClock } from "../../src/linux/clock.ts";
import { linuxDevice } from "../../src/linux/device.ts";
import { linuxPodFiles } from "../../src/linux/pod-files.ts";
import type { Engine } from "../../src/ports/engine.ts";
import { acceptedPod } from "../contract/engine-requests.ts";
import { memoryStore } from "../fakes/store.ts";

const { socket } = sharedEngine();
const docker = new Docker({ socketPath: socket });
const folder = mkdtempSync(join(tmpdir(), "edge-mounts-"));
const allowed = join(folder, "allowed");
const secret = join(folder, "secret");
const path = join(allowed, "data");
const signal = AbortSignal.timeout(200_000);
const made: string[] = [];
let pods = 0;

const dataDir = join(folder, "agent");
const policy = () => ({ ...defaultPolicy, hostPaths: [`${allowed}/**`] });
const device = linuxDevice({ dataDir, deviceDir: "/dev", centerHost: "127.0.0.1", policy });
const podFiles = linuxPodFiles({
  dataDir,
  runDir: join(folder, "run"),
  policy,
  protectedPaths: () => defaultProtectedPaths,
});

/** The folder that the policy allows as its owner left it, and beside it one that no pod may see. */
function tidy(): void {
  rmSync(allowed, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "word"), "allowed");
  mkdirSync(secret, { recursive: true });
  writeFileSync(join(secret, "word"), "secret");
}

function swap(target = secret): void {
  renameSync(path, `${path}.aside`);
  symlinkSync(target, path);
}

function swapBack(): void {
  rmSync(path);
  renameSync(`${path}.aside`, path);
}

/** What somebody does to the path at what moment of the container's making. */
interface Attack {
  readonly beforeCreate?: () => void;
  readonly whileCreating?: () => void;
  readonly beforeStart?: () => void;
  readonly whileStarting?: () => void;
  readonly onceStarted?: () => void;
}

function attacked(attack: Attack): Engine {
  const engine = dockerEngine({ socket });
  return {
    ...engine,
    // By now the path was resolved and allowed.
    create: async (request, s) => {
      attack.whileCreating?.();
      const result = await engine.create(request, s);
      if (result.ok) made.push(result.value.id);
      return result;
    },
    start: async (id, s) => {
      attack.whileStarting?.();
      const result = await engine.start(id, s);
      attack.onceStarted?.();
      return result;
    },
  };
}

const sleeper: Partial<ContainerSpec> = {
  command: ["sleep", "1000"],
  volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true }],
};

/** Makes and starts a pod the way the agent does, while somebody else is at work. */
async function drive(attack: Attack, container = sleeper, hostPath = path) {
  pods += 1;
  const spec: Partial<PodSpec> = { volumes: [{ name: "data", hostPath: { path: hostPath } }] };
  const pod = acceptedPod(`mounts-${process.pid}-${pods}`, container, spec);
  const engine = attacked(attack);
  const clock = linuxClock();
  const preloaded = { archiveOf: () => null, load: async () => null };
  const puller = createPuller({ engine, clock, preloaded, onImagePulled: () => {} });
  const images = createKnownImages(engine, clock);
  const parts = { engine, device, podFiles, clock, limiter: createLimiter(1), store: memoryStore(), puller, images };
  const now = { wall: 0, mono: 0, bootId: "" };
  const desired = { pod, generation: 0, acceptedAt: now, request: "message m", contentHash: "" };
  const image = await engine.image(testImages.busybox, signal);
  assert.ok(image.ok);
  const context = { installId: `mounts-${process.pid}`, desired, images: new Map([["app", image.value]]) };
  const act = (action: Action) => execute(parts, action, context, signal);
  const because = "a test asks for it";
  attack.beforeCreate?.();
  const before = made.length;
  const created = await act({
    kind: "create",
    container: "app",
    sandboxId: null,
    attempt: 0,
    backoffLevel: 0,
    npus: [],
    because,
  });
  const id = made[before];
  if (id === undefined) return { created, started: null, state: null, id: "" };
  attack.beforeStart?.();
  const started = await act({ kind: "start", container: "app", id, because });
  const { State } = await docker.getContainer(id).inspect();
  return { created, started, state: State, id };
}

describe("a hostPath that leads to another place", () => {
  after(async () => {
    for (const id of made) await docker.getContainer(id).remove({ force: true, v: true });
    assert.equal(unmountBelow(folder), null);
    rmSync(folder, { recursive: true, force: true });
  });

  test("an unchanged hostPath is mounted: a folder, a file, and for a container that ends at once", async () => {
    tidy();
    const { created, started, state } = await drive({});
    assert.deepEqual([created.kind, started?.kind, state?.Running], ["done", "done", true], JSON.stringify(started));
    assert.equal((await drive({}, { ...sleeper, command: ["true"] })).started?.kind, "done");
    writeFileSync(join(path, "file"), "one file");
    assert.equal((await drive({}, sleeper, join(path, "file"))).started?.kind, "done");
  });

  for (const [target, words] of [
    ["/", /no pod may see it/],
    ["/proc", /no pod may see it/],
    ["/tmp/../..", /no pod may see it/],
    [socket, /not allowed by this device's policy/],
    [secret, /not allowed by this device's policy/],
  ] as const) {
    test(`a link to ${target === socket ? "the engine's socket" : target === secret ? "a folder" : target} makes no container`, async () => {
      tidy();
      const { created, started } = await drive({ beforeCreate: () => swap(target) });
      assert.ok(created.kind === "failed" && created.reason === "CreateContainerConfigError", JSON.stringify(created));
      assert.match(created.message, words);
      assert.ok(created.message.includes(path));
      assert.equal(started, null);
    });
  }

  test("a link that replaces the hostPath before the create prevents the start", async () => {
    tidy();
    const { created, started, state } = await drive({ whileCreating: swap });
    assert.equal(created.kind, "done", JSON.stringify(created));
    assert.ok(started?.kind === "failed" && started.reason === "CreateContainerConfigError", JSON.stringify(started));
    assert.match(started.message, /not allowed by this device's policy/);
    assert.equal(state?.Status, "created");
  });

  test("a link to another allowed folder prevents the start, and the container is created again", async () => {
    tidy();
    mkdirSync(join(allowed, "other"));
    const { started, state } = await drive({ beforeStart: () => swap(join(allowed, "other")) });
    assert.ok(started?.kind === "failed", JSON.stringify(started));
    assert.match(
      started.message,
      /A path now leads elsewhere: the container was created with bind .*data\..* at \/data.*other at \/data/,
    );
    assert.equal(state?.Status, "created");
  });

  test("a link that replaces the hostPath before the start does not change what the container sees", async () => {
    tidy();
    const { started, state, id } = await drive({ whileStarting: swap, onceStarted: swapBack });
    assert.ok(started?.kind === "done", JSON.stringify(started));
    assert.deepEqual([started.warnings, state?.Running], [[], true]);
    assert.equal(readFileSync(`/proc/${state?.Pid}/root/data/word`, "utf8"), "allowed", id);
  });

  test("a link swapped by one pod while another starts, twenty times, exposes no forbidden path", async () => {
    tidy();
    const over = join(folder, "over");
    const flip = `while [ ! -e "${over}" ]; do mv -T "${path}" "${path}.x"; ln -s "${secret}" "${path}"; sleep 0.0$((RANDOM % 9)); rm "${path}"; mv -T "${path}.x" "${path}"; sleep 0.0$((RANDOM % 9)); done`;
    const ended = once(spawn("bash", ["-c", flip], { stdio: "ignore" }), "exit");
    const words: string[] = [];
    try {
      for (let round = 0; round < 20; round += 1) {
        const { started, state } = await drive({}, { ...sleeper, command: ["sleep", "60"] });
        if (started?.kind === "done") words.push(readFileSync(`/proc/${state?.Pid}/root/data/word`, "utf8"));
        else assert.notEqual(started?.kind === "failed" ? started.reason : "", "MountsDiffer", JSON.stringify(started));
      }
    } finally {
      // By itself: a program of a killed shell would be at work in the middle of the next test.
      writeFileSync(over, "");
      await ended;
    }
    assert.deepEqual(
      words.filter((word) => word !== "allowed"),
      [],
    );
  });

  test("an engine that does not see the agent's mounts runs no container with a hostPath", async () => {
    tidy();
    assert.equal(unmountBelow(folder), null);
    let place = "";
    const { started, state, id } = await drive({
      whileStarting() {
        place = mountedBelow(folder).at(-1) ?? "";
        assert.equal(unmountBelow(folder), null);
      },
      onceStarted() {
        const descriptor = openSync(path, "r");
        assert.equal(bindMount(descriptor, place), null);
        closeSync(descriptor);
      },
    });
    assert.ok(started?.kind === "failed" && started.reason === "MountsDiffer", JSON.stringify(started));
    assert.match(started.message, /^Killed just after its start: \/data in the container is not /);
    assert.equal(started.containerId, id);
    assert.deepEqual([state?.Running, state?.ExitCode], [false, 137]);
  });

  test("a container whose mount is gone, as after a boot, is started with a new mount", async () => {
    tidy();
    const { started, state } = await drive({ beforeStart: () => assert.equal(unmountBelow(folder), null) });
    assert.equal(started?.kind, "done", JSON.stringify(started));
    assert.equal(readFileSync(`/proc/${state?.Pid}/root/data/word`, "utf8"), "allowed");
  });
});
