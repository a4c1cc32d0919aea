import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { startOlderApi } from "../../scripts/older-api.ts";
import {
  type EngineOptions,
  type PrivateEngine,
  sharedEngine,
  startPrivateEngine,
} from "../../scripts/private-engine.ts";
import { loadTestImages, testImages } from "../../scripts/test-images.ts";
import { startTestRegistry, type TestRegistry } from "../../scripts/test-registry.ts";
import { containerName, sandboxName } from "../../src/core/pod/identity.ts";
import type { ContainerPort, ContainerSpec, PodSpec } from "../../src/core/pod/spec.ts";
import { dockerEngine } from "../../src/docker/engine.ts";
import { sandboxImage } from "../../src/docker/sandbox-image.ts";
import type {
  CreateRequest,
  Engine,
  EngineEvent,
  EngineResult,
  ExecResult,
  ImageInfo,
} from "../../src/ports/engine.ts";
import { type FakeEngineHost, fakeEngine } from "../fakes/engine.ts";
import type { Behaviour, ExecBehaviour } from "../fakes/engine-host.ts";
import { acceptedPod, createRequest, podOfTwo, sandboxRequest } from "./engine-requests.ts";
import { errorOf, eventually, generous, realClock, valued } from "./engine-results.ts";

/** What a test may do to the machine, whichever it is. */
interface Machine {
  readonly engine: Engine;
  /** The address that containers' ports are published on. */
  readonly hostIp: string;
  killByHand(id: string): Promise<void>;
  /** A container that somebody else made, with these labels, running. */
  addForeign(name: string, labels: Readonly<Record<string, string>>): Promise<void>;
  /** A folder of the host with a file system mounted at `below`, in which there is a folder `here`. */
  folderWithMount(): string;
  /** An image that nobody uses, under these names. */
  addImage(names: readonly [string, ...string[]]): Promise<void>;
  close(): Promise<void>;
}

/** What containers do in these tests: the real thing runs the shell script, the fake plays the behaviour. */
const programs = {
  forever: { script: "trap 'exit 0' TERM; while true; do sleep 1 & wait; done", behaviour: { termCode: 0 } },
  deaf: { script: "trap '' TERM; while true; do sleep 1; done", behaviour: { ignoresTerm: true } },
  exit7: { script: "exit 7", behaviour: { exit: { code: 7, afterMs: 20 } } },
  exit0: { script: "exit 0", behaviour: { exit: { code: 0, afterMs: 20 } } },
} as const satisfies Readonly<Record<string, { readonly script: string; readonly behaviour: Behaviour }>>;

/** What is run beside them: the real thing runs the script, the fake plays what it does. */
const besides = {
  well: { script: "echo all is well", does: { code: 0, afterMs: 20, output: "all is well" } },
  badly: { script: "echo it is not >&2; exit 3", does: { code: 3, afterMs: 20, output: "it is not" } },
  asUser: { script: "id -u", does: { code: 0, afterMs: 20, output: "65534" } },
  loud: { script: "yes | head -c 300000; exit 4", does: { code: 4, afterMs: 20, output: "y\n".repeat(5_000) } },
  missing: { script: "/no/such/program", does: { code: 127, afterMs: 20 } },
  slow: { script: "sleep 2; exit 5", does: { code: 5, afterMs: 2_000 } },
  hanging: { script: "sleep 1000", does: "hangs" },
} as const satisfies Readonly<Record<string, { readonly script: string; readonly does: ExecBehaviour }>>;

const both = { cpu: "100m", memory: "32Mi" };
let made = 0;

const generousGrants = {
  container: {
    securityContext: {
      allowPrivilegeEscalation: true,
      capabilities: { add: ["NET_ADMIN", "CHOWN"], drop: ["MKNOD"] },
      privileged: true,
      readOnlyRootFilesystem: false,
      runAsNonRoot: false,
      runAsUser: 0,
      seccompProfile: { type: "RuntimeDefault" },
    },
  },
  spec: { hostNetwork: true, hostPID: true },
} satisfies { readonly container: Partial<ContainerSpec>; readonly spec: Partial<PodSpec> };

function program(name: keyof typeof programs): Partial<ContainerSpec> {
  return { command: ["sh", "-c", programs[name].script] };
}

function behaviourOf({ pod }: CreateRequest): Behaviour {
  const command = pod.spec.containers[0]?.command ?? [];
  if (command[0] === "/no/such/program") return { startError: "stat /no/such/program: no such file or directory" };
  const exec = (beside: readonly string[]): ExecBehaviour =>
    Object.values(besides).find(({ script }) => script === beside.at(-1))?.does ?? { code: 0, afterMs: 20 };
  return { ...Object.values(programs).find(({ script }) => script === command[2])?.behaviour, exec };
}

function fakeMachine(): Machine & { readonly host: FakeEngineHost } {
  const { engine, host } = fakeEngine({ clock: realClock, random: { next: () => 0.7 } });
  const image = { user: "65534", architecture: "amd64", volumes: [] };
  const id = (digit: string) => `sha256:${digit.repeat(64)}`;
  host.addImage(testImages.busybox, { ...image, id: id("1") });
  host.addImage(testImages.root, { ...image, id: id("2"), user: "" });
  host.addImage(testImages.volume, { ...image, id: id("3"), volumes: ["/data"] });
  host.addImage(testImages.foreign, { ...image, id: id("4"), architecture: "arm64" });
  host.behave(behaviourOf);
  host.refuseOomScores();
  return {
    engine,
    host,
    hostIp: "127.0.0.1",
    killByHand: async (container) => host.kill(container),
    addForeign: async (name, labels) => void host.addForeign(name, labels),
    folderWithMount: () => "/srv/data",
    addImage: async (names) => {
      for (const name of names) host.addImage(name, { ...image, id: id("9") });
    },
    close: async () => undefined,
  };
}

function realMachine(socket = sharedEngine().socket): Machine {
  const docker = new Docker({ socketPath: socket });
  return {
    engine: dockerEngine({ socket }),
    hostIp: "127.0.0.1",
    killByHand: async (id) => void (await docker.getContainer(id).kill()),
    addForeign: async (name, labels) => {
      const Cmd = ["sh", "-c", programs.forever.script];
      const container = await docker.createContainer({ name, Image: testImages.busybox, Cmd, Labels: { ...labels } });
      await container.start();
      foreign.push(container);
    },
    folderWithMount: () => {
      const folder = mkdtempSync(join(sharedEngine().folder, "mounted-"));
      // The container's user is to see what is in it.
      chmodSync(folder, 0o755);
      const below = join(folder, "below");
      mkdirSync(below);
      tool("mount", "-t", "tmpfs", "-o", "mode=0777", "tmpfs", below);
      mounted.push(below);
      mkdirSync(join(below, "here"));
      return folder;
    },
    addImage: async (names) => {
      const container = await docker.createContainer({ Image: testImages.busybox });
      await container.commit({ repo: names[0].slice(0, -2), tag: "1" });
      await container.remove();
      for (const name of names.slice(1)) await docker.getImage(names[0]).tag({ repo: name.slice(0, -2), tag: "1" });
    },
    close: async () => {
      for (const container of foreign.splice(0)) await container.remove({ force: true });
      for (const below of mounted.splice(0)) tool("umount", below);
    },
  };
}

const foreign: Docker.Container[] = [];
const mounted: string[] = [];

function tool(program: string, ...args: readonly string[]): void {
  const run = spawnSync(program, args, { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
}

/** The shared engine, spoken to as docker 18.09 and 19.03 on EulerOS and openEuler are. */
async function olderMachine(): Promise<Machine> {
  const { socket, folder } = sharedEngine();
  const older = await startOlderApi(socket, folder, "1.39");
  const machine = realMachine(older.socket);
  assert.equal(valued(await machine.engine.info(generous())).apiVersion, "1.39");
  return { ...machine, close: () => machine.close().finally(older.close) };
}

/** An engine of a later Debian release, which speaks a newer API. */
async function laterMachine(options: EngineOptions): Promise<Machine> {
  const docker = await startPrivateEngine(() => undefined, options);
  await loadTestImages(docker.socket);
  const machine = realMachine(docker.socket);
  return { ...machine, close: () => machine.close().finally(docker.close) };
}

const needsRoot = process.getuid?.() === 0 ? false : "needs root";

for (const [kind, open, skip] of [
  ["in memory", fakeMachine, false],
  ["Docker", realMachine, false],
  ["Docker at API 1.39", olderMachine, false],
  ["Docker of the next Debian release", () => laterMachine({ release: "trixie" }), needsRoot],
] as const) {
  describe(`Engine: ${kind}`, { skip }, () => contract(() => open()));
}

function contract(open: () => Machine | Promise<Machine>): void {
  let machine: Machine;
  const requests: string[] = [];
  before(async () => {
    machine = await open();
  });
  after(async () => {
    for (const id of requests) {
      await machine.engine.stop(id, 0, generous());
      await machine.engine.remove(id, generous());
    }
    await machine.close();
  });

  const image = async (name: string): Promise<ImageInfo> => valued(await machine.engine.image(name, generous()));
  const request = async (container: Partial<ContainerSpec>, imageName: string = testImages.busybox) => {
    made += 1;
    return createRequest(acceptedPod(`pod-${process.pid}-${made}`, container), await image(imageName));
  };
  const create = async (wanted: CreateRequest): Promise<string> => {
    const { id } = valued(await machine.engine.create(wanted, generous()));
    requests.push(id);
    return id;
  };
  /** Sandbox and two containers of a pod, made; the sandbox runs. */
  const podOf = async (container: Partial<ContainerSpec> = {}) => {
    made += 1;
    const pod = podOfTwo(`pod-${process.pid}-${made}`, { ...program("forever"), ...container });
    const own = valued(await machine.engine.ensureSandboxImage(generous()));
    const sandbox = await create(sandboxRequest(pod, own));
    valued(await machine.engine.start(sandbox, generous()));
    const part = async (name: string, attempt = 0) =>
      createRequest(pod, await image(testImages.busybox), { container: name, sandboxId: sandbox, attempt });
    return { pod, sandbox, part };
  };
  const started = async (container: Partial<ContainerSpec>): Promise<string> => {
    const id = await create(await request(container));
    valued(await machine.engine.start(id, generous()));
    return id;
  };
  const stateOf = async (id: string) => valued(await machine.engine.inspect(id, generous())).state;
  const listedState = async (id: string) => {
    const list = valued(await machine.engine.list(generous()));
    return list.find((each) => each.id === id)?.state;
  };
  const exited = (id: string) =>
    eventually(async () => {
      const state = await stateOf(id);
      return state.kind === "exited" ? state : null;
    });

  it("says what it is", async () => {
    const info = valued(await machine.engine.info(generous()));
    assert.match(info.apiVersion, /^1\.\d+$/);
    assert.ok(["amd64", "arm64"].includes(info.architecture));
    assert.ok(info.cpus > 0 && info.memoryBytes > 0 && info.dataRoot.startsWith("/"));
    assert.notEqual(info.runId, null);
    assert.equal(valued(await machine.engine.info(generous())).runId, info.runId);
  });

  it("makes, starts, lists, stops and removes a container", async () => {
    const wanted = await request(program("forever"));
    const id = await create(wanted);
    assert.deepEqual(await stateOf(id), { kind: "created" });
    valued(await machine.engine.start(id, generous()));
    const running = valued(await machine.engine.inspect(id, generous()));
    assert.equal(running.state.kind, "running");
    assert.equal(running.imageId, wanted.image.id);
    assert.deepEqual(running.pod, wanted.pod.id);
    assert.match(running.ip ?? "", /^\d+\.\d+\.\d+\.\d+$/);
    const { podHash, specHash, installId, generation, attempt } = wanted;
    for (const [key, value] of Object.entries({
      podHash,
      specHash,
      installId,
      generation,
      attempt,
      restartPolicy: "Always",
    })) {
      assert.equal(running[key as keyof typeof running], value, key);
    }
    for (let times = 0; times < 3; times += 1) {
      const list = valued(await machine.engine.list(generous()));
      assert.deepEqual(
        list.find((each) => each.id === id),
        running,
      );
    }
    valued(await machine.engine.start(id, generous()));
    valued(await machine.engine.stop(id, 20, generous()));
    const state = await stateOf(id);
    assert.ok(state.kind === "exited" && state.exitCode === 0, JSON.stringify(state));
    assert.deepEqual(await listedState(id), state);
    assert.equal(valued(await machine.engine.inspect(id, generous())).ip, undefined);
    valued(await machine.engine.stop(id, 0, generous()));
    valued(await machine.engine.remove(id, generous()));
    assert.equal(await listedState(id), undefined);
    assert.equal(errorOf(await machine.engine.inspect(id, generous())), "notFound");
    valued(await machine.engine.remove(id, generous()));
    valued(await machine.engine.stop(id, 0, generous()));
    assert.equal(errorOf(await machine.engine.start(id, generous())), "notFound");
  });

  it("tells how a container ended, in every list from then on", async () => {
    for (const [name, exitCode] of [
      ["exit7", 7],
      ["exit0", 0],
    ] as const) {
      const id = await started(program(name));
      const state = await exited(id);
      assert.equal(state.exitCode, exitCode);
      assert.equal(state.oomKilled, false);
      assert.match(state.finishedAt, /^20\d\d-/);
      for (let times = 0; times < 3; times += 1) assert.deepEqual(await listedState(id), state);
    }
  });

  it("shows a container that was started again by hand as it is now", async () => {
    const id = await started(program("forever"));
    const first = await listedState(id);
    await machine.killByHand(id);
    await eventually(async () => (await listedState(id))?.kind === "exited" || null);
    valued(await machine.engine.start(id, generous()));
    const second = await listedState(id);
    assert.equal(second?.kind, "running");
    assert.notDeepEqual(second, first);
  });

  it("finds a container as it was made, and says when it is gone", async () => {
    const wanted = await request(program("forever"));
    const id = await create(wanted);
    assert.deepEqual(valued(await machine.engine.audit(id, wanted, generous())).differences, []);
    valued(await machine.engine.start(id, generous()));
    assert.deepEqual(valued(await machine.engine.audit(id, wanted, generous())).differences, []);
    valued(await machine.engine.stop(id, 0, generous()));
    valued(await machine.engine.remove(id, generous()));
    assert.equal(errorOf(await machine.engine.audit(id, wanted, generous())), "notFound");
  });

  it("finds no difference in a container that was granted all there is to grant", async () => {
    const { container, spec } = generousGrants;
    const wanted = createRequest(
      acceptedPod(`pod-${process.pid}-granted`, container, spec),
      await image(testImages.root),
    );
    const id = await create(wanted);
    assert.deepEqual(valued(await machine.engine.audit(id, wanted, generous())).differences, []);
  });

  it("does not make a second container of one name", async () => {
    const wanted = await request(program("forever"));
    await create(wanted);
    assert.equal(errorOf(await machine.engine.create(wanted, generous())), "conflict");
  });

  it("does not make a container from an image that is not here", async () => {
    const wanted = await request(program("forever"));
    const missing = { ...wanted, image: { ...wanted.image, id: `sha256:${"0".repeat(64)}` } };
    assert.equal(errorOf(await machine.engine.create(missing, generous())), "imageNotFound");
    assert.equal(errorOf(await machine.engine.image("edge.test/none:1", generous())), "notFound");
    assert.equal(errorOf(await machine.engine.image(missing.image.id, generous())), "notFound");
  });

  it("refuses a foreign architecture, root, and a volume that nobody covers", async () => {
    const kinds = async (name: string) => errorOf(await machine.engine.create(await request({}, name), generous()));
    assert.equal(await kinds(testImages.foreign), "wrongArchitecture");
    assert.equal(await kinds(testImages.root), "invalid");
    assert.equal(await kinds(testImages.volume), "invalid");
  });

  it("leaves a container that could not start with the engine's words", async () => {
    const id = await create(await request({ command: ["/no/such/program"] }));
    assert.deepEqual(await listedState(id), { kind: "created" });
    const result = await machine.engine.start(id, generous());
    assert.equal(errorOf(result), "failed");
    const state = await listedState(id);
    assert.ok(
      state?.kind === "created" && state.startError?.includes("no such file or directory"),
      JSON.stringify(state),
    );
  });

  it("does not start a container whose port is taken", async () => {
    const port = {
      containerPort: 80,
      hostPort: 18_431,
      protocol: "TCP",
      hostIP: machine.hostIp,
    } satisfies ContainerPort;
    const holder = await started({ ...program("forever"), ports: [port] });
    const id = await create(await request({ ...program("forever"), ports: [port] }));
    assert.equal(errorOf(await machine.engine.start(id, generous())), "portInUse");
    for (const one of [holder, id]) {
      assert.deepEqual(valued(await machine.engine.inspect(one, generous())).hostPorts, ["18431/TCP"]);
    }
    assert.equal((await listedState(id))?.kind, "created");
    valued(await machine.engine.stop(holder, 0, generous()));
    valued(await machine.engine.start(id, generous()));
  });

  it("starts a container with a negative OOM score, or says that the kernel takes none and starts it without", async () => {
    const wanted = await request({ ...program("forever"), resources: { limits: both, requests: both } });
    const first = await create({ ...wanted, oomScoreAdj: -997 });
    const begun = await machine.engine.start(first, generous());
    if (begun.ok) return;
    assert.equal(begun.error.kind, "oomScoreRefused", begun.error.message);
    assert.equal((await stateOf(first)).kind, "created");
    valued(await machine.engine.start(await create({ ...wanted, attempt: 1 }), generous()));
  });

  it("kills what does not end in its grace period", async () => {
    for (const grace of [0, 1]) {
      const id = await started(program("deaf"));
      valued(await machine.engine.stop(id, grace, generous()));
      const state = await stateOf(id);
      assert.ok(state.kind === "exited" && state.exitCode === 137 && !state.oomKilled, JSON.stringify(state));
    }
  });

  it("does not remove what runs", async () => {
    const id = await started(program("forever"));
    assert.equal(errorOf(await machine.engine.remove(id, generous())), "conflict");
    assert.equal((await stateOf(id)).kind, "running");
  });

  it("has the sandbox image under an id of the engine's, however often it is asked", async () => {
    const { architecture } = valued(await machine.engine.info(generous()));
    const facts = valued(await machine.engine.ensureSandboxImage(generous()));
    const { id, digest: _, ...image } = facts;
    assert.match(id, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(image, { user: "65535:65535", architecture, volumes: [] });
    assert.deepEqual(valued(await machine.engine.ensureSandboxImage(generous())), facts);
    assert.equal(valued(await machine.engine.image(id, generous())).id, id);
  });

  it("lets the containers of a pod join its sandbox, which alone has an address", async () => {
    const { pod, sandbox, part } = await podOf();
    const ids = [await create(await part("app")), await create(await part("side"))];
    for (const id of ids) valued(await machine.engine.start(id, generous()));
    const list = valued(await machine.engine.list(generous()));
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
    valued(await machine.engine.stop(sandbox, 20, generous()));
    const state = await stateOf(sandbox);
    assert.ok(state.kind === "exited" && state.exitCode === 0, JSON.stringify(state));
  });

  it("does not start a container whose sandbox is dead or gone, and leaves those that run", async () => {
    const { sandbox, part } = await podOf();
    const app = await create(await part("app"));
    const side = await create(await part("side"));
    valued(await machine.engine.start(app, generous()));
    await machine.killByHand(sandbox);
    await exited(sandbox);
    assert.equal((await stateOf(app)).kind, "running");
    assert.equal(errorOf(await machine.engine.start(side, generous())), "conflict");
    assert.equal((await stateOf(side)).kind, "created");
    valued(await machine.engine.remove(sandbox, generous()));
    assert.equal((await stateOf(app)).kind, "running");
    assert.equal(valued(await machine.engine.inspect(app, generous())).sandboxId, sandbox);
    assert.ok(["conflict", "notFound"].includes(errorOf(await machine.engine.start(side, generous()))));
    valued(await machine.engine.stop(app, 20, generous()));
    assert.equal((await stateOf(app)).kind, "exited");
  });

  it("publishes the ports of all containers at their sandbox", async () => {
    const port = { containerPort: 80, hostPort: 18_432, protocol: "TCP", hostIP: machine.hostIp } as const;
    const { part } = await podOf({ ports: [port] });
    const app = await create(await part("app"));
    valued(await machine.engine.start(app, generous()));
    const other = await create(await request({ ...program("forever"), ports: [port] }));
    assert.equal(errorOf(await machine.engine.start(other, generous())), "portInUse");
  });

  it("makes no container of several without a sandbox, and no sandbox for one alone", async () => {
    const { part } = await podOf();
    const alone = await request(program("forever"));
    const own = valued(await machine.engine.ensureSandboxImage(generous()));
    for (const wanted of [
      { ...(await part("app", 1)), sandboxId: null },
      { ...alone, sandboxId: "a".repeat(64) },
      { ...alone, container: sandboxName, image: own },
    ]) {
      assert.equal(errorOf(await machine.engine.create(wanted, generous())), "invalid");
    }
  });

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
    const watching = machine.engine.watch(handlers, controller.signal);
    await eventually(async () => ready > 0 || null);
    const wanted = await request(program("exit7"));
    const id = await create(wanted);
    valued(await machine.engine.start(id, generous()));
    await exited(id);
    valued(await machine.engine.remove(id, generous()));
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

  it("runs a program beside the container's own, as its user, and tells how it ended and what it said", async () => {
    const id = await started(program("forever"));
    const run = async (name: keyof typeof besides) =>
      valued(await machine.engine.exec(id, ["sh", "-c", besides[name].script], generous()));
    assert.deepEqual(await run("well"), { exitCode: 0, output: "all is well" });
    assert.deepEqual(await run("badly"), { exitCode: 3, output: "it is not" });
    assert.deepEqual(await run("asUser"), { exitCode: 0, output: "65534" });
    const loud = await run("loud");
    assert.equal(loud.exitCode, 4);
    assert.ok(loud.output.startsWith("y\ny\n") && loud.output.length <= 10 * 1024);
    const missing = valued(await machine.engine.exec(id, [besides.missing.script], generous()));
    assert.ok(missing.exitCode === 126 || missing.exitCode === 127, JSON.stringify(missing));
    assert.equal((await stateOf(id)).kind, "running");
  });

  it("lets a program run that nobody waits for any more, and ends it with its container", async () => {
    const id = await started(program("deaf"));
    const hanging = ["sh", "-c", besides.hanging.script];
    const givenUp = machine.engine.exec(id, hanging, AbortSignal.timeout(300));
    assert.equal(errorOf(await givenUp), "timeout");
    const waitedFor = machine.engine.exec(id, hanging, generous());
    await sleep(300);
    valued(await machine.engine.stop(id, 0, generous()));
    assert.equal(valued(await waitedFor).exitCode, 137);
  });

  it("says that a program has begun, and whether it lives", async () => {
    const id = await started(program("deaf"));
    const begun: string[] = [];
    const counted = (beside: string): void => void begun.push(beside);
    const late = machine.engine.exec(id, ["sh", "-c", besides.slow.script], generous(), counted);
    const slow = await eventually(async () => begun[0] ?? null);
    assert.equal(valued(await machine.engine.isAlive(id, slow, generous())), true);
    assert.equal(valued(await late).exitCode, 5);
    const slowLives = await machine.engine.isAlive(id, slow, generous());
    assert.equal(slowLives.ok && slowLives.value, false);
    const hanging = machine.engine.exec(id, ["sh", "-c", besides.hanging.script], generous(), counted);
    const other = await eventually(async () => begun[1] ?? null);
    assert.equal(valued(await machine.engine.isAlive(id, other, generous())), true);
    valued(await machine.engine.stop(id, 0, generous()));
    valued(await hanging);
    assert.equal((await machine.engine.isAlive(id, other, generous())).ok, false);
    assert.equal(begun.length, 2);
  });

  it("runs nothing in a container that does not run", async () => {
    const id = await create(await request(program("forever")));
    assert.equal(errorOf(await machine.engine.exec(id, ["true"], generous())), "conflict");
    assert.equal(errorOf(await machine.engine.exec("0".repeat(64), ["true"], generous())), "notFound");
  });

  it("lists images with all their names, and removes one that no container needs", async () => {
    made += 1;
    const names = ["a", "b"].map((letter) => `edge.test/spare-${process.pid}-${made}-${letter}:1`) as [string, string];
    await machine.addImage(names);
    const { id } = await image(names[0]);
    const listed = async () => valued(await machine.engine.images(generous())).find((one) => one.id === id);
    const { sizeBytes, ...rest } = (await listed()) ?? assert.fail();
    assert.ok(sizeBytes > 0);
    assert.deepEqual({ ...rest, names: [...rest.names].sort() }, { id, names, inUse: false });
    const container = await create(await request(program("forever"), names[1]));
    assert.equal((await listed())?.inUse, true, "a container that never ran counts");
    assert.equal(errorOf(await machine.engine.removeImage(id, generous())), "conflict");
    assert.equal((await image(names[0])).id, id);
    valued(await machine.engine.remove(container, generous()));
    valued(await machine.engine.removeImage(id, generous()));
    assert.equal(await listed(), undefined);
    for (const name of names) assert.equal(errorOf(await machine.engine.image(name, generous())), "notFound");
    valued(await machine.engine.removeImage(id, generous()));
  });

  it("seals what is mounted below a read-only folder, or makes no container of an engine that cannot", async (t) => {
    if (needsRoot) return t.skip(needsRoot);
    const sealed = "test -d /data/below/here || exit 4; mkdir /data/below/here/new && exit 5; exit 6";
    const volumeMounts = [{ name: "data", mountPath: "/data", readOnly: true }];
    made += 1;
    const pod = acceptedPod(`pod-${process.pid}-${made}`, { command: ["sh", "-c", sealed], volumeMounts });
    const folders = { volumePaths: { data: machine.folderWithMount() }, submounts: ["data"] };
    const wanted = createRequest(pod, await image(testImages.busybox), folders);
    const { apiVersion } = valued(await machine.engine.info(generous()));
    if (Number(apiVersion.split(".")[1]) < 44) {
      assert.equal(errorOf(await machine.engine.create(wanted, generous())), "invalid");
      return;
    }
    const id = await create(wanted);
    valued(await machine.engine.start(id, generous()));
    assert.equal((await exited(id)).exitCode, 6);
    assert.deepEqual(valued(await machine.engine.audit(id, wanted, generous())).differences, []);
  });

  it("does not see a container whose name and labels disagree", async () => {
    const wanted = await request(program("forever"));
    const pod = { ...wanted.pod.id };
    const name = containerName({ container: "app", pod, attempt: 0 });
    await machine.addForeign(name, { "io.kubernetes.pod.name": "another", "edge.install": "install-1" });
    const list = valued(await machine.engine.list(generous()));
    assert.ok(list.every((each) => each.pod.name !== pod.name));
  });

  it("answers a call that was given up on before it began", async () => {
    const signal = AbortSignal.abort();
    for (const result of [
      await machine.engine.list(signal),
      await machine.engine.info(signal),
      await machine.engine.pull("edge.test/none:1", null, signal),
      await machine.engine.watch({ ready: () => assert.fail(), changed: () => assert.fail() }, signal),
    ]) {
      assert.equal(errorOf<unknown>(result), "aborted");
    }
  });
}

describe("Engine: Docker, frozen, gone and back", () => {
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

  it("gives up on a frozen engine when the signal says so, and works when it thaws", async () => {
    valued(await engine.list(generous()));
    const image = valued(await engine.image(testImages.busybox, generous()));
    const request = createRequest(acceptedPod("frozen"), image);
    docker.freeze();
    try {
      const soon = (): AbortSignal => AbortSignal.timeout(300);
      const results: readonly EngineResult<unknown>[] = await Promise.all([
        engine.info(soon()),
        engine.list(soon()),
        engine.inspect("nobody", soon()),
        engine.create(request, soon()),
        engine.start("nobody", soon()),
        engine.stop("nobody", 0, soon()),
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

  it("says of a program that containerd neither starts nor tells the end of that nothing is known", async () => {
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

  it("says so while the engine is away, and finds everything again", async () => {
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

  it("is another engine run for containers whenever it came up without them, and no other", async () => {
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

describe("Engine: Docker, a sandbox as it really is", () => {
  const { socket } = sharedEngine();
  const engine = dockerEngine({ socket });
  const docker = new Docker({ socketPath: socket });
  const ids: string[] = [];
  const run = async (wanted: CreateRequest): Promise<string> => {
    const { id, warnings } = valued(await engine.create(wanted, generous()));
    ids.push(id);
    assert.deepEqual(warnings, []);
    valued(await engine.start(id, generous()));
    return id;
  };
  after(async () => {
    for (const id of ids) {
      await engine.stop(id, 0, generous());
      await engine.remove(id, generous());
    }
  });

  it("loads its image into an engine that has lost it", async () => {
    const { id } = valued(await engine.ensureSandboxImage(generous()));
    const used = (await docker.listContainers({ all: true })).some((each) => each.ImageID === id);
    if (!used) {
      await docker.getImage(id).remove({ force: true });
      assert.equal(errorOf(await engine.image(id, generous())), "notFound");
    }
    assert.equal(valued(await engine.ensureSandboxImage(generous())).id, id);
    assert.deepEqual((await docker.getImage(id).inspect()).RepoTags, [
      sandboxImage(valued(await engine.info(generous())).architecture)?.tag,
    ]);
  });

  it("takes no other image that has its name", async () => {
    const own = valued(await engine.ensureSandboxImage(generous()));
    const tag = sandboxImage(own.architecture)?.tag ?? assert.fail();
    const [name = "", version = ""] = tag.split(":");
    await docker.getImage(testImages.busybox).tag({ repo: name, tag: version });
    assert.notEqual(valued(await engine.image(tag, generous())).id, own.id);
    assert.equal(valued(await engine.ensureSandboxImage(generous())).id, own.id);
    assert.equal(valued(await engine.image(tag, generous())).id, own.id);
  });

  it("shares network, host name and IPC, and no processes; has no rights and little memory", async () => {
    const own = valued(await engine.ensureSandboxImage(generous()));
    const image = valued(await engine.image(testImages.busybox, generous()));
    const serve = "mkdir /dev/shm/www; echo local > /dev/shm/www/index.html; exec httpd -f -p 8080 -h /dev/shm/www";
    const ask =
      "until wget -q -O - http://127.0.0.1:8080/; do usleep 100000; done; hostname; cat /dev/shm/www/index.html; exec cat /proc/1/comm";
    const sh = (script: string) => ({ command: ["sh", "-c", script] });
    const pod = podOfTwo("shared", sh(serve), sh(ask));
    const sandboxId = await run(sandboxRequest(pod, own));
    await run(createRequest(pod, image, { sandboxId }));
    const side = docker.getContainer(await run(createRequest(pod, image, { sandboxId, container: "side" })));
    await side.wait();
    const output = await side.logs({ stdout: true, stderr: false });
    assert.equal(textOf(output), "local\nshared\nlocal\ncat\n", "cat is its own first process");
    const { HostConfig: host, Config: config } = await docker.getContainer(sandboxId).inspect();
    assert.deepEqual(
      [config.User, host.CapDrop, host.ReadonlyRootfs, host.SecurityOpt, host.IpcMode, host.PidMode],
      ["65535:65535", ["ALL"], true, ["no-new-privileges"], "shareable", ""],
    );
    assert.deepEqual([host.Memory, host.MemorySwap, host.PidsLimit], [33_554_432, 33_554_432, 32]);
  });
});

describe("Engine: Docker, what only the real one has", () => {
  let engine: Engine;
  let registry: TestRegistry;
  const credentials = { username: "edge", password: "s3cret" };
  before(async () => {
    engine = dockerEngine({ socket: sharedEngine().socket });
    registry = await startTestRegistry(
      { ...sharedEngine(), close: async () => undefined },
      { port: 15_043, credentials },
    );
  });
  after(() => registry.close());

  it("pulls with credentials, and says why it cannot", async () => {
    const name = await registry.push(testImages.busybox, "app/busybox:1");
    await registry.push(testImages.foreign, "app/foreign:1");
    const known = { serverAddress: registry.host, ...credentials };
    const kind = async (image: string, login: typeof known | null) =>
      errorOf(await engine.pull(image, login, generous()));
    assert.equal(await kind(name, null), "registryAuth");
    assert.equal(await kind(name, { ...known, password: "wrong" }), "registryAuth");
    assert.equal(await kind(`${registry.host}/app/none:1`, known), "imageNotFound");
    assert.equal(await kind(`${registry.host}/app/busybox:none`, known), "imageNotFound");
    assert.equal(await kind("127.0.0.1:9/app:1", null), "registryUnreachable");
    assert.equal(await kind(`${registry.host}/app/foreign:1`, known), "wrongArchitecture");
    assert.equal(await kind("../containers/json", null), "invalid");
    const pulled = valued(await engine.pull(name, known, generous()));
    assert.match(pulled.digest ?? "", /^127\.0\.0\.1:15043\/app\/busybox@sha256:[0-9a-f]{64}$/);
    assert.equal(pulled.user, "65534");
    assert.deepEqual(valued(await engine.image(pulled.id, generous())).id, pulled.id);
    const byDigest = valued(await engine.pull(pulled.digest ?? "", known, generous()));
    assert.equal(byDigest.id, pulled.id);
  });

  it("shows what was killed for want of memory", async () => {
    const image = valued(await engine.image(testImages.busybox, generous()));
    const command = ["sh", "-c", "x=a; while true; do x=$x$x; done"];
    const resources = { limits: { memory: "16Mi" }, requests: {} };
    const request = createRequest(acceptedPod("hungry", { command, resources }), image);
    const { id } = valued(await engine.create(request, generous()));
    valued(await engine.start(id, generous()));
    const state = await eventually(async () => {
      const { state } = valued(await engine.inspect(id, generous()));
      return state.kind === "exited" ? state : null;
    });
    assert.equal(state.exitCode, 137);
    assert.equal(state.oomKilled, true);
    valued(await engine.remove(id, generous()));
  });

  it("runs a container as the pod says: its user, mounts, environment, name and limits", async () => {
    const { socket, folder } = sharedEngine();
    const image = valued(await engine.image(testImages.volume, generous()));
    const place = mkdtempSync(join(folder, "volume-"));
    const cover = mkdtempSync(join(folder, "cover-"));
    const script =
      'id -u; hostname; echo "$GREETING"; grep -c CapEff.*0000000000000000 /proc/self/status; touch /data/x || touch /v/x || touch /x || echo sealed';
    const container = {
      command: ["sh", "-c", script],
      env: [
        { name: "WHO", value: "edge" },
        { name: "GREETING", value: "hello $(WHO)" },
      ],
      volumeMounts: [{ name: "v", mountPath: "/v", readOnly: true }],
    };
    const pod = acceptedPod("told", container, { hostname: "told-host", volumes: [{ name: "v", emptyDir: {} }] });
    const request = createRequest(pod, image, { volumePaths: { v: place }, coveredPaths: { "/data": cover } });
    const { id } = valued(await engine.create(request, generous()));
    valued(await engine.start(id, generous()));
    const docker = new Docker({ socketPath: socket }).getContainer(id);
    await docker.wait();
    const output = await docker.logs({ stdout: true, stderr: false });
    const lines = textOf(output).split("\n");
    assert.deepEqual(lines.slice(0, 5), ["65534", "told-host", "hello edge", "1", "sealed"]);
    const { HostConfig: host } = await docker.inspect();
    assert.equal(host.Memory, 64 * 1024 * 1024);
    assert.equal(host.MemorySwap, host.Memory);
    assert.equal(host.CpuQuota, 50_000);
    assert.equal(host.CpuShares, 256);
    valued(await engine.remove(id, generous()));
  });
});

/** Docker's log stream without the 8 bytes in front of every piece. */
function textOf(output: Buffer): string {
  const pieces: Buffer[] = [];
  for (let offset = 0; offset < output.length; ) {
    const end = offset + 8 + output.readUInt32BE(offset + 4);
    pieces.push(output.subarray(offset + 8, end));
    offset = end;
  }
  return Buffer.concat(pieces).toString();
}
