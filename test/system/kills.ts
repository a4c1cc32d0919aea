import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../fakes/random.ts";
import { configMapUpdate, gracefulDelete, podDelete, podRestart, podUpdate } from "../samples/messages.ts";
import type { Site } from "./harness.ts";
import { agrees, podFolders, politePod, type Wanted } from "./random-events.ts";
import { control } from "./sockets.ts";

export interface Kills {
  readonly seed: number;
  readonly kills: number;
}

/** Each list holds what went wrong, in words; `counts` what was done. */
export interface KillsResult {
  readonly counts: Readonly<Record<string, number>>;
  /** A container of a pod that was started while another in its place ran. */
  readonly doubled: readonly string[];
  /** Containers, and folders of pods, that nobody wants. */
  readonly orphans: readonly string[];
  /** Containers of pods that nobody named, which are not what they were. */
  readonly touched: readonly string[];
}

/** One of them has two containers (`politePod`). */
const untouched = ["still-0", "still-1"];
const busy = ["busy-0", "busy-1", "busy-2", "busy-3"];
const longestLifeMs = 1_900;
const settleMs = 200_000;
const cleanUpMs = 150_000;

/**
 * Kills the agent at random moments while pods are changed, deleted and die. A message without a reply is sent again
 * until there is one. Then waits until store, engine and report agree with what was acknowledged last: what was lost
 * would keep them apart.
 */
export async function playKills(site: Site, { seed, kills }: Kills): Promise<KillsResult> {
  const random = seededRandom(seed);
  const wanted: Wanted = new Map();
  const counts: Record<string, number> = { kills: 0 };
  const count = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  let version = 0;
  const put = async (name: string, uid: string): Promise<void> => {
    version += 1;
    const now = version;
    await tell(site, podUpdate(politePod(site, { name, uid, version: now, msgId: random.uuid() })));
    wanted.set(name, { uid, version: now });
  };

  /** One change of a pod that is among the busy ones. */
  const change = async (name: string): Promise<void> => {
    const now = wanted.get(name) ?? null;
    const kind = now === null ? "new uid" : random.pick(["update", "new uid", "delete", "graceful delete", "restart"]);
    count(kind);
    if (kind === "new uid" || now === null) return put(name, random.uuid());
    if (kind === "update") return put(name, now.uid);
    if (kind === "restart") return tell(site, podRestart({ name, msgId: random.uuid() }));
    const text =
      kind === "delete"
        ? podDelete({ name, uid: now.uid, msgId: random.uuid() })
        : gracefulDelete(politePod(site, { name, uid: now.uid, version: now.version, msgId: random.uuid() }), 1);
    await tell(site, text);
    wanted.set(name, null);
  };
  const changes = async (name: string, ended: () => boolean): Promise<void> => {
    while (!ended()) {
      await change(name);
      await sleep(random.below(2_000));
    }
  };
  const deaths = async (ended: () => boolean): Promise<void> => {
    while (!ended()) {
      await sleep(random.below(4_000));
      const running = (await site.containers()).filter(
        ({ State, Config }) => State.Running && busy.includes(Config.Labels["io.kubernetes.pod.name"] ?? ""),
      );
      if (running.length === 0) continue;
      const one = site.docker.getContainer(random.pick(running).Id);
      count("death");
      await (random.next() < 0.7 ? one.kill() : one.remove({ force: true })).catch(String);
    }
  };
  const kill = async (): Promise<void> => {
    await sleep(50 + random.below(longestLifeMs - 50));
    await site.endAgent("SIGKILL");
    count("kills");
    site.launchAgent();
  };

  await tell(site, configMapUpdate("settings", random.uuid(), { at: "0" }));
  for (const name of [...untouched, ...busy]) await put(name, random.uuid());
  await site.eventually("all pods run", () => agrees(site, wanted), settleMs);
  const before = await runs(site, untouched);
  const watch = await watchDoubles(site);
  let isOver = false;
  const ended = (): boolean => isOver;
  const work = Promise.all([...busy.map((name) => changes(name, ended)), deaths(ended)]);
  const killing = (async () => {
    for (let done = 0; done < kills; done += 1) await kill();
  })();
  await Promise.race([work, killing]);
  isOver = true;
  await Promise.all([work, killing]);
  // A version of its own waits for no back-off of the one before.
  for (const name of busy) await put(name, wanted.get(name)?.uid ?? random.uuid());
  await site.eventually("everything is as it was acknowledged last", () => agrees(site, wanted), settleMs);
  const after = await runs(site, untouched);
  const orphans = await orphansLeft(site, wanted);
  watch.close();
  const touched = [...before.filter((one) => !after.includes(one)), ...after.filter((one) => !before.includes(one))];
  return { counts, doubled: watch.doubled, orphans, touched };
}

/** Sends the same message until there is a reply. A refusal is a mistake of this game, and ends it. */
async function tell(site: Site, text: string): Promise<void> {
  for (;;) {
    const path = `/send?node=${site.node}&timeoutMs=2000`;
    const { status, body } = await control(site.control, "POST", path, text);
    if (status === 200) {
      const { content } = JSON.parse(body) as { readonly content: unknown };
      if (content === "OK") return;
      throw new Error(`The agent refuses: ${JSON.stringify(content)}`);
    }
    await sleep(20);
  }
}

/** Which containers of these pods run, since when and after how many restarts, one string each. */
async function runs(site: Site, names: readonly string[]): Promise<readonly string[]> {
  const own = (await site.containers()).filter(({ Config }) =>
    names.includes(Config.Labels["io.kubernetes.pod.name"] ?? ""),
  );
  return own.map(({ Name, Id, State }) => `${Name} ${Id} ${State.Status} since ${State.StartedAt}`).sort();
}

/** As the engine tells it: what happened to which container, with its labels. */
interface EngineEvent {
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** Follows what the engine starts and what ends there. */
async function watchDoubles(site: Site): Promise<{ readonly doubled: readonly string[]; close(): void }> {
  const doubled: string[] = [];
  const running = new Map<string, Set<string>>();
  const label = [`edge.install=${site.installId}`];
  const stream = await site.docker.getEvents({ filters: { type: ["container"], event: ["start", "die"], label } });
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.filter((one) => one !== "")) {
      const { Action, Actor } = JSON.parse(line) as EngineEvent;
      const { "io.kubernetes.pod.uid": uid, "io.kubernetes.container.name": name } = Actor.Attributes;
      const place = `${uid}/${name}`;
      const there = running.get(place) ?? new Set();
      running.set(place, there);
      if (Action === "die") there.delete(Actor.ID);
      else there.add(Actor.ID);
      if (there.size > 1) doubled.push(`${place}: ${[...there].join(" and ")}`);
    }
  });
  return { doubled, close: () => (stream as unknown as { destroy(): void }).destroy() };
}

/** What a kill leaves behind goes once a minute, and no agent has lived that long. */
async function orphansLeft(site: Site, wanted: Wanted): Promise<readonly string[]> {
  const until = performance.now() + cleanUpMs;
  for (;;) {
    const orphans = await orphansOf(site, wanted);
    if (orphans.length === 0 || performance.now() > until) return orphans;
    await sleep(500);
  }
}

async function orphansOf(site: Site, wanted: Wanted): Promise<readonly string[]> {
  const uids = new Set([...wanted.values()].map((one) => one?.uid ?? ""));
  const containers = (await site.containers()).filter(
    ({ Config }) => !uids.has(Config.Labels["io.kubernetes.pod.uid"] ?? ""),
  );
  return [...containers.map(({ Name }) => Name), ...podFolders(site).filter((uid) => !uids.has(uid))];
}
