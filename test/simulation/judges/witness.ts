import type { PodHistory } from "../../../src/core/pod/container-history.ts";
import type { PodEvent } from "../../../src/core/pod/event.ts";
import { sandboxName } from "../../../src/core/pod/identity.ts";
import type { ObservedState } from "../../../src/core/pod/observed.ts";
import type { PodStatus } from "../../../src/core/pod/pod-status.ts";
import type { PodId } from "../../../src/core/pod/spec.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { CreateRequest } from "../../../src/ports/engine.ts";
import type { Store } from "../../../src/ports/store.ts";
import type { FakeContainer } from "../../fakes/engine-container.ts";
import type { MemoryStore } from "../../fakes/store.ts";
import type { Programs } from "../world/programs.ts";

/** Stands beside the agent, sees what it does and what happens to it, and knows what it must not do. */
export interface Witness {
  /** Something happened to a container on the engine. */
  happened(action: string, container: FakeContainer): void;
  /** What the agent was about to make. */
  creates(request: CreateRequest): void;
  /** Somebody starts a container: a job that had ended is under way again. */
  startedByHand(request: CreateRequest | null): void;
  /** The agent's process starts: whatever it plans, it has looked since. */
  agentStarts(): void;
  /** The wall clock jumped or the power went: how long ago something was cannot be known for sure. */
  unsure(): void;
  /** The data folder is gone, and with it how anything ended. */
  forgot(): void;
  /** A store that tells the witness what is kept and let go of. */
  beside(store: MemoryStore): Store;
  /** When the status of a pod last changed. */
  statusChangedAt(): number;
  faults(): readonly string[];
}

interface Life {
  readonly attempt: number;
  readonly made: string;
  readonly sandboxId: string | null;
  startedAt: number;
  diedAt: number | null;
  level: number;
  /** Its times are those that the agent must know too. */
  sure: boolean;
  /** It is on record as ended, although its process may live on. */
  isLost: boolean;
  /** When somebody started it by hand last. */
  byHandAt: number;
}

const stableMs = 600_000;
/** What a clock that is read twice, and an engine that answers late, may differ by. */
const slackMs = 1_000;

/** A plan may be of a list that took its whole deadline of 30 s, and began before somebody started a container. */
const knownWithinMs = 35_000;

/** The kubelet's, written once more: code that is judged is no judge. */
function delayMs(level: number): number {
  return level === 0 ? 0 : Math.min(10_000 * 2 ** (level - 1), 300_000);
}

export interface WitnessParts {
  readonly clock: Clock;
  readonly programs: Pick<Programs, "readinessFailures">;
  /** Hears of every event once it is committed. */
  readonly noted: (event: PodEvent) => void;
  /** Whether a container ended because the engine did. */
  readonly endedByEngine: (id: string) => boolean;
  /** What the engine knows of it, null when it is gone. */
  readonly stateOf: (id: string) => ObservedState | null;
  /** Whether this text has arrived at the center. */
  readonly arrived: (text: string) => boolean;
  /** Looks into the store without being one of the agent's calls. */
  readonly look: <T>(at: () => T) => T;
}

export function createWitness({
  clock,
  programs,
  noted,
  arrived,
  endedByEngine,
  stateOf,
  look,
}: WitnessParts): Witness {
  const lives = new Map<string, Life>();
  /** What each container was made from when it ended for good. */
  const succeeded = new Map<string, string>();
  /** By uid and container id: how often its probe had failed when it was reported ready, and what was wanted then. */
  const readyWith = new Map<string, ReadonlyMap<string, { readonly failures: number; readonly version: string }>>();
  /** Containers of which the data folder at hand can know something. */
  const known = new Set<string>();
  /** Not ready without being asked: paused or without a network by hand, or in a sandbox that is. */
  const excused = new Set<string>();
  const sandboxOf = new Map<string, string | null>();
  const faults: string[] = [];
  /** What is heard inside a transaction counts once it is committed. */
  let heard: (() => void)[] | null = null;
  /** Places in the outbox that the transaction at hand has taken. */
  const taken = new Set<number>();
  let statusChangedAt = clock.mono();

  function hear(of: () => void): void {
    if (heard === null) of();
    else heard.push(of);
  }

  /** The same container of the same pod, wanted in the same way. */
  const keyOf = ({ pod, container }: CreateRequest): string => `${pod.id.name}/${container} of ${pod.id.uid}`;
  const madeFrom = (one: Pick<CreateRequest, "podHash" | "specHash" | "generation">): string =>
    `${one.podHash} ${one.specHash} ${one.generation}`;

  function began(request: CreateRequest): void {
    const { attempt, sandboxId } = request;
    const [key, made, now] = [keyOf(request), madeFrom(request), clock.mono()];
    const before = lives.get(key);
    const again = before !== undefined && before.made === made && attempt > before.attempt;
    if (before !== undefined && before.made === made && attempt === before.attempt) {
      before.startedAt = now;
      before.diedAt = null;
      before.isLost = false;
      return;
    }
    const level = again && before.sure ? before.level + 1 : 0;
    lives.set(key, {
      attempt,
      made,
      sandboxId,
      startedAt: now,
      diedAt: null,
      level,
      sure: true,
      isLost: false,
      byHandAt: -knownWithinMs,
    });
  }

  function ended(id: string, request: CreateRequest): void {
    const life = lives.get(keyOf(request));
    if (life?.attempt === request.attempt) dies(life);
    // What runs in a sandbox that died counts as ended, however long it takes to stop it.
    for (const one of lives.values()) if (one.sandboxId === id && one.diedAt === null) dies(one);
  }

  function dies(life: Life): void {
    ranFor(life);
    life.diedAt ??= clock.mono();
  }

  /** Its process may outlive the sandbox by as long as nobody looks, and that it ran so long counts. */
  function ranFor(life: Life): void {
    if (!life.isLost && clock.mono() - life.startedAt > stableMs - slackMs) life.level = 0;
  }

  /** From here on it has ended, however long it takes to stop it. */
  function isFoundDead(life: Life): void {
    ranFor(life);
    life.isLost = true;
  }

  function creates(request: CreateRequest): void {
    const { pod, attempt } = request;
    const key = keyOf(request);
    if (succeeded.get(key) === madeFrom(request)) faults.push(`5: ${key} had ended for good and is made again`);
    // Wanted in another way in between, and then as before, it is new.
    succeeded.delete(key);
    const before = lives.get(key);
    if (before === undefined || before.made !== madeFrom(request) || attempt <= before.attempt) return;
    if (before.diedAt === null || !before.sure || clock.mono() - before.byHandAt < knownWithinMs) return;
    const early = before.diedAt + delayMs(before.level) - slackMs - clock.mono();
    if (early <= 0) return;
    faults.push(`5: ${key} is made ${Math.round(early)} ms before its wait is over (${pod.spec.restartPolicy})`);
  }

  /** Another attempt of another specification is about to be made: whatever comes after it is new, also if this one never is. */
  function wantedOtherwise(
    key: string,
    made: Pick<CreateRequest, "attempt" | "podHash" | "specHash" | "generation">,
  ): void {
    for (const [name, life] of lives) {
      if (!name.endsWith(key) || life.made === madeFrom(made) || life.attempt >= made.attempt) continue;
      lives.delete(name);
      succeeded.delete(name);
    }
  }

  function keptHistory(uid: string, history: PodHistory, policy: string): void {
    for (const [container, { termination, ...made }] of Object.entries(history)) {
      wantedOtherwise(`/${container} of ${uid}`, made);
      const isLost = termination?.reason === "ContainerStatusUnknown";
      for (const [name, life] of isLost ? lives : []) {
        if (name.endsWith(`/${container} of ${uid}`) && life.attempt === made.attempt) isFoundDead(life);
      }
      const is = termination === null ? null : stateOf(termination.containerId);
      // What ran in a dead sandbox, or was not found, has no result.
      if (termination !== null && !isLost && is?.kind === "exited" && is.startedAt === termination.startedAt) {
        const [kept, real] = [termination, is].map(({ exitCode, finishedAt }) => `${exitCode} at ${finishedAt}`);
        if (kept !== real) faults.push(`6: ${container} of ${uid} ended with ${real}, and ${kept} is on record`);
      }
      // A sandbox runs for as long as the others need it.
      if (container === sandboxName || termination === null || termination.interrupted || policy === "Always") continue;
      if (policy === "OnFailure" && termination.exitCode !== 0) continue;
      const { containerId } = termination;
      if (policy === "OnFailure" && known.has(containerId) && endedByEngine(containerId)) {
        faults.push(`5: ${container} of ${uid} counts as done, and it was the engine that ended it`);
      }
      for (const life of lives.keys()) {
        if (life.endsWith(`/${container} of ${uid}`)) succeeded.set(life, madeFrom(made));
      }
    }
  }

  /** What was ready is so until its probe says otherwise. */
  function keptStatus({ uid, namespace, name: pod }: PodId, { containerStatuses }: PodStatus, store: Store): void {
    statusChangedAt = clock.mono();
    // Probes are those of the pod that is wanted by now, also of a container that is to be replaced.
    const version = look(() => store.desiredPods.get(namespace, pod))?.pod.metadata.resourceVersion ?? "";
    const before = readyWith.get(uid);
    const now = new Map<string, { readonly failures: number; readonly version: string }>();
    for (const { name, ready, containerID, state } of containerStatuses) {
      const container = (containerID ?? "").replace("docker://", "");
      if (state.running === undefined || excused.has(container)) continue;
      const failures = programs.readinessFailures(container);
      const was = before?.get(container);
      const then = was?.version === version ? was : undefined;
      if (ready) now.set(container, then ?? { failures, version });
      else if (then?.failures === failures) faults.push(`6: ${pod}/${name} is not ready any more and never said so`);
    }
    readyWith.set(uid, now);
  }

  return {
    creates,
    happened(action, container) {
      const { request } = container;
      if (request === null) return;
      if (action === "create") {
        known.add(container.id);
        sandboxOf.set(container.id, request.sandboxId);
        // The sandbox may have been taken out of its network just before.
        if (request.sandboxId !== null && excused.has(request.sandboxId)) excused.add(container.id);
      }
      if (action === "pause" || action === "disconnect") excused.add(container.id);
      if (action === "disconnect" || action === "die") {
        for (const [id, sandboxId] of sandboxOf) if (sandboxId === container.id) excused.add(id);
      }
      if (action === "start") began(request);
      if (action === "die") ended(container.id, request);
      if (action === "destroy") {
        // How long it ran is known to nobody if nobody looked in between.
        const life = lives.get(keyOf(request));
        if (life?.attempt === request.attempt) life.sure = false;
      }
    },
    startedByHand(request) {
      if (request === null) return;
      const life = lives.get(keyOf(request));
      if (life?.attempt === request.attempt) life.byHandAt = clock.mono();
      if (succeeded.get(keyOf(request)) === madeFrom(request)) succeeded.delete(keyOf(request));
    },
    agentStarts() {
      for (const life of lives.values()) life.byHandAt = -knownWithinMs;
    },
    unsure() {
      for (const life of lives.values()) life.sure = false;
      readyWith.clear();
    },
    forgot() {
      succeeded.clear();
      known.clear();
    },
    beside: (store) => ({
      ...store,
      transaction(durability, work) {
        heard = [];
        taken.clear();
        try {
          const result = store.transaction(durability, work);
          for (const of of heard) of();
          return result;
        } finally {
          heard = null;
        }
      },
      histories: {
        ...store.histories,
        put(uid, history) {
          store.histories.put(uid, history);
          const pod = look(() => store.desiredPods.list()).find((one) => one.pod.id.uid === uid)?.pod;
          if (pod !== undefined) hear(() => keptHistory(uid, history, pod.spec.restartPolicy));
        },
      },
      statuses: {
        ...store.statuses,
        put(id, status) {
          store.statuses.put(id, status);
          hear(() => keptStatus(id, status as PodStatus, store));
        },
      },
      events: {
        ...store.events,
        append(event, at) {
          store.events.append(event, at);
          hear(() => noted(event));
        },
      },
      outbox: {
        ...store.outbox,
        append(kind, text) {
          const id = store.outbox.append(kind, text);
          if (id !== null) taken.add(id);
          return id;
        },
        release(ids) {
          const rows = look(() => store.outbox.list(0, 1_000)).filter((row) => ids.includes(row.id));
          store.outbox.release(ids);
          for (const { id, text } of rows) {
            // A place that is given back in the transaction that took it was never said.
            if (!taken.has(id) && !arrived(text)) faults.push(`6: let go of before it arrived: ${text.slice(0, 200)}`);
          }
        },
      },
    }),
    statusChangedAt: () => statusChangedAt,
    faults: () => faults,
  };
}
