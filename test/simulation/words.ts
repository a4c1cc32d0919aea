import assert from "node:assert/strict";
import { seededRandom } from "../fakes/random.ts";
import {
  configMapDelete,
  configMapUpdate,
  podContent,
  podDelete,
  podRestart,
  podUpdate,
  testImage,
} from "../samples/messages.ts";
import { createWorld, type World } from "./world/world.ts";

/** Words that mean something to JavaScript, JSON, SQL, a shell, a terminal or Docker. */
const special = [
  ...[
    "constructor",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "isPrototypeOf",
    "__proto__",
    "prototype",
    "__defineGetter__",
  ],
  ...["toJSON", "then", "length", "name", "null", "undefined", "NaN", "true", "false", "Infinity", "this", "eval"],
  ...["{}", "[]", '"', "\\", "\\u0000", "\u0000", "\ud800", "\ufeff", "1e999", "-0", "9007199254740993"],
  ...["'; DROP TABLE facts; --", "%", "_", "' OR 1=1", "NULL", "rowid", "sqlite-master", "@name", "?1", "x'00'"],
  ...[
    "$(reboot)",
    "`id`",
    "$HOME",
    "~",
    "*",
    "&&",
    "|",
    ";",
    "\n",
    "-rf",
    "--",
    "-",
    ".",
    "..",
    "../../etc",
    "/",
    "//",
  ],
  ...["\u001b[2J", "\u001b]0;x\u0007", "\r", "\b", "\u007f", "\u009b31m", "\u202e", "\u200b", "\t"],
  ...["latest", "scratch", "none", "host", "default", "bridge", "container", "all", "docker", "edge", "sandbox", "pod"],
  ...["io.kubernetes.pod.uid", "edge.install", "com.docker.network", "a", "A", "0", "00", "aa", "a-b", "a.b", "a_b"],
] as const;

const image = { id: "sha256:first", user: "", architecture: "amd64", volumes: [] } as const;

type Dice = ReturnType<typeof seededRandom>;

const uuid = (kind: number, number: number): string =>
  `0000000${kind}-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** One place of a pod that takes a word from outside. */
const places: readonly ((word: string, spec: Draft) => void)[] = [
  (word, { metadata }) => Object.assign(metadata, { labels: keyed(word, "a") }),
  (word, { metadata }) => Object.assign(metadata, { labels: { a: word } }),
  (word, { metadata }) => Object.assign(metadata, { annotations: keyed(word, word) }),
  (word, { container }) => Object.assign(container, { name: word }),
  (word, { container }) => Object.assign(container, { env: [{ name: word, value: "a" }] }),
  (word, { container }) => Object.assign(container, { env: [{ name: "WORD", value: word }] }),
  (word, { container }) => Object.assign(container, { command: [word], args: [word] }),
  (word, { container }) => Object.assign(container, { image: word }),
  (word, { container }) => Object.assign(container, { image: `edge.test/${word}:1` }),
  (word, { container }) => Object.assign(container, { workingDir: word }),
  (word, { container }) => Object.assign(container, { readinessProbe: { exec: { command: [`/${word}`] } } }),
  (word, { container }) =>
    Object.assign(container, { resources: { limits: keyed(word, "1"), requests: keyed(word, "1") } }),
  (word, { spec }) => Object.assign(spec, { hostname: word }),
  (word, { spec }) => Object.assign(spec, { imagePullSecrets: [{ name: word }] }),
  (word, { spec }) => Object.assign(spec, keyed(word, "unknown")),
  (word, { spec, container }) => {
    Object.assign(spec, { volumes: [{ name: word, configMap: { name: word, defaultMode: 420 } }] });
    Object.assign(container, { volumeMounts: [{ name: word, mountPath: "/settings", readOnly: true }] });
  },
  (word, { spec, container }) => {
    Object.assign(spec, { volumes: [{ name: word, emptyDir: {} }] });
    Object.assign(container, { volumeMounts: [{ name: word, mountPath: `/${word}`, readOnly: true }] });
  },
];

interface Draft {
  readonly metadata: object;
  readonly spec: object;
  readonly container: object;
}

/** A literal `__proto__` would set what the object inherits. */
function keyed(word: string, value: string): object {
  return Object.fromEntries([[word, value]]);
}

function pick<T>(dice: Dice, list: readonly T[]): T {
  return list[dice.below(list.length)] as T;
}

/** What a run did: messages sent, and how many of them the device accepted. */
export interface WordsRun {
  readonly sent: number;
  readonly accepted: number;
  readonly ran: number;
}

/**
 * Sends messages whose names, keys and values are special words through the whole agent on fakes, with deaths and starts of
 * the agent in between. Throws if the agent threw anywhere, or if a message got no reply.
 * @param seed decides everything
 * @param rounds messages and what follows each
 */
export async function playWords(seed: number, rounds: number): Promise<WordsRun> {
  const dice = seededRandom(seed);
  const world = createWorld(seed, { liveRestore: true });
  world.host.addImage(testImage, image);
  for (const word of special) world.host.addImage(`edge.test/${word}:1`, { ...image, id: `sha256:${word}` });
  await world.clock.pass(3_000);
  let ran = 0;
  const msgIds: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const msgId = uuid(2, round);
    msgIds.push(msgId);
    world.center.deliver(message(dice, msgId, round));
    await world.clock.pass(1_000 + dice.below(20_000));
    ran += world.host.running().length > 0 ? 1 : 0;
    await disturb(world, dice);
    const failure = world.process().failure();
    if (failure !== null) throw new Error(`Seed ${seed}, round ${round}`, { cause: failure });
    assert.ok(world.process().alive(), `seed ${seed}, round ${round}: the agent ended`);
  }
  await world.clock.pass(60_000);
  const replies = world.center.received().map((text) => JSON.parse(text));
  const answered = new Map(replies.map(({ header, content }) => [header.parent_msg_id, content]));
  for (const id of msgIds) assert.ok(answered.has(id), `seed ${seed}: message ${id} got no reply`);
  world.process().kill();
  return { sent: rounds, accepted: [...answered.values()].filter((content) => content === "OK").length, ran };
}

function message(dice: Dice, msgId: string, round: number): string {
  const word = pick(dice, special);
  const name = dice.below(3) === 0 ? word : pick(dice, ["one", "two", "constructor"]);
  const uid = uuid(1, dice.below(6));
  switch (dice.below(10)) {
    case 0:
      return podDelete({ name, uid, msgId });
    case 1:
      return podRestart({ name, msgId });
    case 2:
      return configMapDelete(word, msgId);
    case 3:
    case 4:
      return configMapUpdate(word, msgId, keyed(pick(dice, special), pick(dice, special)) as Record<string, string>);
    default:
      return pod(dice, { name, uid, msgId, resourceVersion: String(round + 1) });
  }
}

function pod(dice: Dice, about: { name: string; uid: string; msgId: string; resourceVersion: string }): string {
  const content = podContent(about) as { metadata: object; spec: { containers: readonly [object] } };
  const draft: Draft = { metadata: content.metadata, spec: content.spec, container: content.spec.containers[0] };
  const times = 1 + dice.below(2);
  for (let time = 0; time < times; time += 1) pick(dice, places)(pick(dice, special), draft);
  return podUpdate({ ...about, metadata: { ...draft.metadata }, spec: { ...draft.spec } });
}

async function disturb(world: World, dice: Dice): Promise<void> {
  const [first] = world.host.running();
  switch (dice.below(12)) {
    case 0:
      if (first !== undefined) world.host.kill(first.id, dice.below(2));
      break;
    case 1:
      await world.restart({ powerCut: dice.below(2) === 0 });
      await world.clock.pass(5_000);
      break;
    case 2:
      world.center.cut();
      await world.clock.pass(120_000);
      break;
    default:
  }
}
