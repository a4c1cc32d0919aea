import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { openStoreReadOnly } from "../../src/sqlite/store.ts";
import { seededRandom } from "../fakes/random.ts";
import {
  configMapUpdate,
  gracefulDelete,
  type PodMessage,
  podDelete,
  podRestart,
  podUpdate,
} from "../samples/messages.ts";
import type { Entry, Site } from "./harness.ts";

/** What a name is to be at the end; null once it was deleted. */
export type Wanted = Map<string, { readonly uid: string; readonly version: number } | null>;

export interface Day {
  readonly seed: number;
  readonly events: number;
  readonly pods: number;
}

/** What an engine and a process hold beside containers. */
export interface Held {
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
  readonly images: readonly string[];
  readonly files: number;
}

/** Long enough for the longest back-off that a pod can have come to. */
const settleMs = 400_000;

/** Plays so many random events, then waits until engine, store and report agree with what was wanted last. */
export async function playDay(site: Site, { seed, events, pods }: Day): Promise<Readonly<Record<string, number>>> {
  const random = seededRandom(seed);
  const wanted: Wanted = new Map();
  const counts: Record<string, number> = {};
  let version = 0;
  const names = Array.from({ length: pods }, (_, index) => `pod-${index}`);

  const ask = async (text: string): Promise<void> => {
    const { content } = await site.ask(text);
    assert.equal(content, "OK");
  };
  const put = async (name: string, uid: string): Promise<void> => {
    version += 1;
    await ask(podUpdate(politePod(site, { name, uid, version, msgId: random.uuid() })));
    wanted.set(name, { uid, version });
  };
  const any = async (): Promise<Docker.ContainerInspectInfo | undefined> => {
    const running = (await site.containers()).filter(({ State }) => State.Running);
    return running.length === 0 ? undefined : random.pick(running);
  };
  const kinds: Readonly<Record<string, (name: string) => Promise<void>>> = {
    update: (name) => put(name, wanted.get(name)?.uid ?? random.uuid()),
    "new uid": (name) => put(name, random.uuid()),
    repeat: async (name) => {
      version += 1;
      const uid = wanted.get(name)?.uid ?? random.uuid();
      const text = podUpdate(politePod(site, { name, uid, version, msgId: random.uuid() }));
      wanted.set(name, { uid, version });
      await ask(text);
      await ask(text);
    },
    restart: async (name) => {
      if (wanted.get(name) != null) await ask(podRestart({ name, msgId: random.uuid() }));
    },
    delete: async (name) => {
      const { uid } = wanted.get(name) ?? { uid: random.uuid() };
      await ask(podDelete({ name, uid, msgId: random.uuid() }));
      wanted.set(name, null);
    },
    "graceful delete": async (name) => {
      const now = wanted.get(name);
      if (now == null) return;
      await ask(gracefulDelete(politePod(site, { name, uid: now.uid, version: now.version, msgId: random.uuid() }), 1));
      wanted.set(name, null);
    },
    "container killed": async () => {
      const one = await any();
      await site.docker
        .getContainer(one?.Id ?? "none")
        .kill()
        .catch(String);
    },
    "container removed": async () => {
      const one = await any();
      await site.docker
        .getContainer(one?.Id ?? "none")
        .remove({ force: true })
        .catch(String);
    },
    "agent killed": async () => {
      await site.endAgent("SIGKILL");
      await site.startAgent();
      await site.online();
    },
    "center killed": async () => {
      await site.killCenter();
      await site.startCenter();
      await site.online();
    },
    configMap: () => ask(configMapUpdate("settings", random.uuid(), { at: String(version) })),
  };

  await ask(configMapUpdate("settings", random.uuid(), { at: "0" }));
  for (const name of names) await put(name, random.uuid());
  for (let event = 0; event < events; event += 1) {
    const kind = random.pick(Object.keys(kinds));
    counts[kind] = (counts[kind] ?? 0) + 1;
    await kinds[kind]?.(random.pick(names));
  }
  await site.eventually("everything is as it was wanted last", () => agrees(site, wanted), settleMs);
  for (const name of names) await kinds["delete"]?.(name);
  await site.eventually("nothing is left", () => agrees(site, wanted), settleMs);
  return counts;
}

/** Which version of which pod a message brings. */
interface PodVersion {
  readonly name: string;
  readonly uid: string;
  readonly version: number;
  readonly msgId: string;
}

/** A pod that ends when it is asked to, with files of the config map `settings`; its version is in its environment. */
export function politePod(site: Site, { name, uid, version, msgId }: PodVersion): PodMessage {
  const { command, volumes, volumeMounts } = site.script(
    "polite.sh",
    "trap 'exit 0' TERM\nwhile :; do sleep 1; done\n",
  );
  const resources = { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "50m", memory: "16Mi" } };
  const container = { command, resources, securityContext: { runAsUser: 1000, runAsGroup: 1000 } };
  const mounts = [...volumeMounts, { name: "work", mountPath: "/work", readOnly: true }];
  const all = containersOf(name).map((each) => ({
    name: each,
    image: "edge.test/busybox:1",
    ...container,
    env: [{ name: "VERSION", value: String(version) }],
    volumeMounts: [...mounts, { name: "settings", mountPath: "/settings", readOnly: true }],
  }));
  const more = [
    { name: "work", emptyDir: {} },
    { name: "settings", configMap: { name: "settings", defaultMode: 420 } },
  ];
  return {
    name,
    uid,
    msgId,
    resourceVersion: String(version),
    spec: { containers: all, volumes: [...volumes, ...more] },
  };
}

function containersOf(name: string): readonly string[] {
  return name.endsWith("0") || name.endsWith("5") ? ["app", "side"] : ["app"];
}

/** Whether store, last report and engine are exactly what is wanted. */
export async function agrees(site: Site, wanted: Wanted): Promise<true | undefined> {
  const pods = [...wanted].flatMap(([name, one]) => (one === null ? [] : [{ name, ...one }]));
  const report = site.latest() ?? [];
  const reported = pods.every(({ uid }) => report.some((entry) => entry.UID === uid && runsWhole(entry)));
  // Seen from outside, one of them may lag: what counts is that they come to agree.
  if (!reported || report.length !== pods.length) return undefined;
  const opened = openStoreReadOnly(site.dataDir);
  if (!opened.ok) return undefined;
  const stored = opened.store.desiredPods.list().map(({ pod }) => `${pod.id.uid} ${pod.metadata.resourceVersion}`);
  opened.store.close();
  const expected = pods.map(({ uid, version }) => `${uid} ${version}`);
  if (stored.sort().join() !== expected.sort().join()) return undefined;
  const running = (await site.containers()).filter(({ State }) => State.Running).map(wordsOf);
  const all = pods.flatMap(({ name, uid, version }) => [
    ...containersOf(name).map((container) => `${uid} ${container} ${version}`),
    ...(containersOf(name).length > 1 ? [`${uid} POD`] : []),
  ]);
  return running.sort().join() === all.sort().join() ? true : undefined;
}

function wordsOf({ Config }: Docker.ContainerInspectInfo): string {
  const { "io.kubernetes.pod.uid": uid, "io.kubernetes.container.name": container } = Config.Labels;
  // The engine tells no list where the image and the request have none.
  const env = (Config.Env as readonly string[] | null) ?? [];
  const version = env.find((one) => one.startsWith("VERSION="))?.slice("VERSION=".length);
  return version === undefined ? `${uid} ${container}` : `${uid} ${container} ${version}`;
}

function runsWhole({ status }: Entry): boolean {
  return status.phase === "Running" && status.containerStatuses.every(({ state }) => state.running !== undefined);
}

/** What is there now; taken before and after a day it must be the same, but for a few files. */
export async function heldBy(site: Site): Promise<Held> {
  const { Volumes } = await site.docker.listVolumes();
  const networks = await site.docker.listNetworks();
  const images = await site.docker.listImages({ all: true });
  return {
    volumes: (Volumes ?? []).map(({ Name }) => Name).sort(),
    networks: networks.map(({ Name }) => Name).sort(),
    // The agent brings the sandbox's image when the first pod needs it, and keeps it.
    images: images
      .flatMap(({ Id, RepoTags }) => (RepoTags?.[0]?.startsWith("edge.invalid/sandbox:") ? [] : [Id]))
      .sort(),
    files: readdirSync(`/proc/${site.agentPid()}/fd`).length,
  };
}

/** Folders of pods that are on the device, by uid. */
export function podFolders(site: Site): readonly string[] {
  const inside = (folder: string): readonly string[] => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  return [...inside(join(site.dataDir, "pods")), ...inside(join(site.runDir, "pods"))];
}
