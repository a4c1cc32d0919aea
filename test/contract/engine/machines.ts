import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import Docker from "dockerode";
import { startOlderApi } from "../../../scripts/older-api.ts";
import { type EngineOptions, sharedEngine, startPrivateEngine } from "../../../scripts/private-engine.ts";
import { loadTestImages, testImages } from "../../../scripts/test-images.ts";
import type { ContainerSpec } from "../../../src/core/pod/spec.ts";
import { dockerEngine } from "../../../src/docker/engine.ts";
import type { CreateRequest, Engine } from "../../../src/ports/engine.ts";
import { fakeEngine } from "../../fakes/engine.ts";
import type { Behaviour, ExecBehaviour } from "../../fakes/engine-container.ts";
import { generous, realClock, valued } from "../engine-results.ts";

/** What a test may do to the machine, whichever it is. */
export interface Machine {
  readonly engine: Engine;
  /** The address that containers' ports are published on. */
  readonly hostIp: string;
  /** Ports of it that no other test file uses: the first for a pod of one container, the other for a sandbox. */
  readonly hostPorts: readonly [single: number, sandbox: number];
  killByHand(id: string): Promise<void>;
  renameByHand(id: string, name: string): Promise<void>;
  /** Takes it out of the engine's own network. */
  disconnectByHand(id: string): Promise<void>;
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
export const besides = {
  well: { script: "echo all is well", does: { code: 0, afterMs: 20, output: "all is well" } },
  badly: { script: "echo it is not >&2; exit 3", does: { code: 3, afterMs: 20, output: "it is not" } },
  asUser: { script: "id -u", does: { code: 0, afterMs: 20, output: "65534" } },
  loud: { script: "yes | head -c 300000; exit 4", does: { code: 4, afterMs: 20, output: "y\n".repeat(5_000) } },
  missing: { script: "/no/such/program", does: { code: 127, afterMs: 20 } },
  slow: { script: "sleep 2; exit 5", does: { code: 5, afterMs: 2_000 } },
  hanging: { script: "sleep 1000", does: "hangs" },
} as const satisfies Readonly<Record<string, { readonly script: string; readonly does: ExecBehaviour }>>;

/** A container that runs one of these programs. */
export function program(name: keyof typeof programs): Partial<ContainerSpec> {
  return { command: ["sh", "-c", programs[name].script] };
}

function behaviourOf({ pod }: CreateRequest): Behaviour {
  const command = pod.spec.containers[0]?.command ?? [];
  if (command[0] === "/no/such/program") return { startError: "stat /no/such/program: no such file or directory" };
  const exec = (beside: readonly string[]): ExecBehaviour =>
    Object.values(besides).find(({ script }) => script === beside.at(-1))?.does ?? { code: 0, afterMs: 20 };
  return { ...Object.values(programs).find(({ script }) => script === command[2])?.behaviour, exec };
}

/** The engine of the simulation. */
export function fakeMachine(): Machine {
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
    hostIp: "127.0.0.1",
    hostPorts: [18_431, 18_432],
    killByHand: async (container) => host.kill(container),
    renameByHand: async (container, name) => host.renameByHand(container, name),
    disconnectByHand: async (container) => host.disconnectByHand(container),
    addForeign: async (name, labels) => void host.addForeign(name, labels),
    folderWithMount: () => "/srv/data",
    addImage: async (names) => {
      for (const name of names) host.addImage(name, { ...image, id: id("9") });
    },
    close: async () => undefined,
  };
}

/** The shared engine, or the one behind another socket. */
export function realMachine(socket = sharedEngine().socket): Machine {
  const foreign: Docker.Container[] = [];
  const mounted: string[] = [];
  const docker = new Docker({ socketPath: socket });
  return {
    engine: dockerEngine({ socket }),
    hostIp: "127.0.0.1",
    hostPorts: [18_431, 18_432],
    killByHand: async (id) => void (await docker.getContainer(id).kill()),
    renameByHand: async (id, name) => void (await docker.getContainer(id).rename({ name })),
    disconnectByHand: async (id) => void (await docker.getNetwork("bridge").disconnect({ Container: id })),
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

function tool(program: string, ...args: readonly string[]): void {
  const run = spawnSync(program, args, { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
}

/** The shared engine, spoken to as docker 18.09 and 19.03 on EulerOS and openEuler are. */
export async function olderMachine(): Promise<Machine> {
  const { socket, folder } = sharedEngine();
  const older = await startOlderApi(socket, folder, "1.39");
  const machine = realMachine(older.socket);
  assert.equal(valued(await machine.engine.info(generous())).apiVersion, "1.39");
  return {
    ...machine,
    // It is the engine of docker.test.ts too, which may run beside this.
    hostPorts: [18_433, 18_434],
    close: () => machine.close().finally(older.close),
  };
}

/** An engine of a later Debian release, which speaks a newer API. */
export async function laterMachine(options: EngineOptions): Promise<Machine> {
  const docker = await startPrivateEngine(() => undefined, options);
  await loadTestImages(docker.socket);
  const machine = realMachine(docker.socket);
  return { ...machine, close: () => machine.close().finally(docker.close) };
}

/** Why a test that needs an engine of its own, or mounts something, is not run; false where it is. */
export const needsRoot = process.getuid?.() === 0 ? false : "needs root";
