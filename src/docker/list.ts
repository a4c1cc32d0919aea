import type Docker from "dockerode";
import { ownValue } from "../core/base/own-value.ts";
import { containerName, installLabel } from "../core/pod/identity.ts";
import { isPaused, type ObservedContainer } from "../core/pod/observed.ts";
import { parsedAnswer } from "./answer.ts";
import { openText } from "./connection.ts";
import { type ListedContainer, listedContainer, unknownContainer } from "./inspect.ts";
import { createLabelOwners } from "./label-owners.ts";
import { listEntries } from "./list-entries.ts";
import { createTimedInspects } from "./timed-inspects.ts";

/** Lists containers and remembers what an inspect brought of those that cannot have changed. */
export interface Listing {
  /**
   * Throws what dockerode throws. A container about which the engine does not answer in time, or says more than is read, is
   * listed as unknown.
   */
  list(docker: Docker, signal: AbortSignal): Promise<readonly ObservedContainer[]>;
  /** An inspect outside of a list has shown this: the next list need not ask again. */
  remember(container: ObservedContainer, endpoint: string): void;
  /** Something happened to this container. */
  forget(id: string): void;
  /**
   * The engine is asked to do something in this container: until the returned function is called, every list asks about it,
   * for an engine that hangs over it shows that nowhere else.
   */
  doubt(id: string): () => void;
}

interface Remembered {
  readonly key: string;
  readonly age: number;
  readonly uses: number;
  readonly container: ObservedContainer;
}

/** An inspect takes 1 to 2 ms; more at a time only make the engine's other callers wait. */
const inspectsAtOnce = 4;
/** Of a text in the list. Labels of ours are shorter; an image may have any. */
const longestText = 4_096;
/** Of an entry, its texts cut: 300 labels of an image are more than it may have for a container of ours. */
const longestEntry = 1024 * 1024;
const mostContainers = 10_000;
/** What was remembered wrongly, whyever, is put right after this many lists. */
const mostUses = 20;

const unitSeconds: Readonly<Record<string, number>> = {
  second: 1,
  minute: 60,
  hour: 3_600,
  day: 86_400,
  week: 604_800,
  month: 2_592_000,
  year: 31_536_000,
};

/**
 * A list says neither when a container started nor how it ended. Asking for each every time would cost an engine call a
 * container; so the answer is kept as long as the list shows that nothing was started since. Only containers of the last
 * list are remembered.
 * @param lifetime see `createTimedInspects`
 */
export function listing(lifetime: AbortSignal | null, inspectDeadlineMs?: number): Listing {
  const inspects = createTimedInspects(lifetime, inspectDeadlineMs);
  const owners = createLabelOwners();
  // What was last known of each, for those about which the engine does not answer any more.
  let lastKnown: ReadonlyMap<string, ObservedContainer> = new Map();
  let remembered: ReadonlyMap<string, Remembered> = new Map();
  // Grows only while a list is on its way.
  let forgotten = new Set<string>();
  const doubts = new Map<symbol, string>();

  return {
    list: async (docker, signal) => {
      forgotten = new Set();
      // The filter only saves the engine work: what counts is what all labels say.
      const query = { all: true, filters: { label: [installLabel] } };
      const { entries, tooLong } = await entriesOf(docker, query, signal);
      const listed = await owners.ownOf(docker, entries, signal);
      const next = new Map<string, Remembered>();
      const doubted = new Set(doubts.values());
      const found = await inParallel(listed, inspectsAtOnce, async (each) => {
        const key = stableKey(each);
        const age = ageSeconds(each.status);
        const known = remembered.get(each.id);
        const isFresh = known !== undefined && known.uses < mostUses && !doubted.has(each.id);
        const same = isFresh && known.key === key && known.age <= age;
        const container = same ? known.container : await inspects.inspect(docker, each.id, signal);
        if (container === null) return null;
        if (container === "late") return unknownContainer(each, lastKnown.get(each.id));
        const entry = { key: key ?? "", age, uses: same ? known.uses + 1 : 0, container };
        if (key !== null && describes(container, each)) next.set(each.id, entry);
        return container;
      });
      for (const id of forgotten) next.delete(id);
      remembered = next;
      const long = await inParallel(tooLong, inspectsAtOnce, async (id) => {
        const container = await inspects.inspect(docker, id, signal);
        return container === "late" ? unknownOf(id, lastKnown.get(id)) : container;
      });
      const containers = [...found, ...long].filter((container) => container !== null);
      lastKnown = new Map(containers.map((container) => [container.id, container]));
      return containers;
    },
    remember: (container, endpoint) => {
      const key = runningKey(container.renamed ?? containerName(container), endpoint);
      if (container.state.kind !== "running" || isPaused(container) || key === null) return;
      remembered = new Map(remembered).set(container.id, { key, age: 0, uses: 0, container });
    },
    forget: (id) => {
      forgotten.add(id);
      if (!remembered.has(id)) return;
      remembered = new Map([...remembered].filter(([each]) => each !== id));
    },
    doubt: (id) => {
      const doubt = Symbol();
      doubts.set(doubt, id);
      return () => void doubts.delete(doubt);
    },
  };
}

interface Entries {
  readonly entries: readonly (ListedContainer | null)[];
  /** Ids of containers of which the list says more than is read. */
  readonly tooLong: readonly string[];
}

/** Each entry is judged as it comes, so that what the engine says of one container costs that one and no other. */
async function entriesOf(docker: Docker, options: object, signal: AbortSignal): Promise<Entries> {
  const entries: (ListedContainer | null)[] = [];
  const tooLong: string[] = [];
  const answer = openText(docker, { method: "GET", path: "/containers/json?", options, longestText }, signal);
  for await (const { text, isWhole } of listEntries(answer, longestEntry)) {
    if (entries.length + tooLong.length >= mostContainers) {
      throw new RangeError(`The engine lists more than ${mostContainers} containers`);
    }
    if (isWhole) entries.push(listedContainer(parsedAnswer(text)));
    else tooLong.push(idAtStart(text));
  }
  return { entries, tooLong };
}

/** Docker and podman write the id first. */
function idAtStart(text: string): string {
  const id = /^\s{0,8}\{\s{0,8}"Id"\s{0,8}:\s{0,8}"([0-9a-f]{1,128})"/.exec(text.slice(0, 256))?.[1];
  if (id === undefined) throw new RangeError("The engine's list has an entry that is too long and names no container");
  return id;
}

/** Never left out: a container that is not listed counts as gone, and another one would be made beside it. */
function unknownOf(id: string, known: ObservedContainer | undefined): ObservedContainer {
  if (known !== undefined) return { ...known, state: { kind: "unknown" } };
  throw new RangeError(`The engine's answer about container ${id} is too long, so its state is unknown`);
}

/**
 * Equal keys in two lists: nothing happened to the container in between. A start gives a running container another
 * endpoint, and a dead one a younger end. Null where nothing in a list would show a start: before the first one, where
 * a failed one leaves its error, and in another container's network (the host's gives an endpoint like any other).
 */
export function stableKey(listed: ListedContainer): string | null {
  const name = listed.renamed ?? containerName(listed.identity);
  if (listed.state === "running") return runningKey(name, listed.endpoint);
  if (listed.state === "exited" || listed.state === "dead") {
    return `${name} ${listed.state} ${/\(\d{1,5}\)/.exec(listed.status)?.[0] ?? ""}`;
  }
  return null;
}

function runningKey(name: string, endpoint: string): string | null {
  return endpoint === "" ? null : `${name} running ${endpoint}`;
}

/** Least age in seconds behind Docker's "Exited (0) About an hour ago"; 0 when it says nothing of the kind. */
export function ageSeconds(status: string): number {
  const [amount = "", units = "", ago = ""] = status.split(" ").slice(-3);
  const isKnown = ago === "ago" && /^(?:\d{1,6}|an?)$/.test(amount);
  if (!isKnown || status.includes("Less than")) return 0;
  return (Number(amount) || 1) * (ownValue(unitSeconds, units.endsWith("s") ? units.slice(0, -1) : units) ?? 0);
}

/** Whether list and inspect, which are two moments, saw the container in the same state. */
function describes(container: ObservedContainer, listed: ListedContainer): boolean {
  return (container.state.kind === "running") === (listed.state === "running") && !isPaused(container);
}

async function inParallel<A, B>(
  items: readonly A[],
  width: number,
  work: (item: A) => Promise<B>,
): Promise<readonly B[]> {
  const results: B[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      const item = items[index];
      if (item !== undefined) results[index] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}
