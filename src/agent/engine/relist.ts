// agent/engine: what the engine shows: its events, its list, whose containers they are.

import { knownPodIds, stillTerminating } from "../../core/pod/known-pods.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import { podKey } from "../../core/pod/spec.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { createWakeableLoop } from "../loop/wakeable-loop.ts";
import type { ContainerLister } from "./container-lister.ts";
import { establishInstallId, installIdOf } from "./install-id.ts";
import { createPodTurns } from "./pod-turns.ts";
import { createRenamedContainers, type RenamedContainersParts } from "./renamed-containers.ts";

export interface RelistParts extends RenamedContainersParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly lister: ContainerLister;
  /** What no event has told of images is asked anew, too. */
  readonly images: { forget(): void };
  readonly engineReady: () => boolean;
  /** Called after a list that worked, with the pods that are to be looked at, and the list before that one. */
  readonly onListed: (keys: ReadonlySet<string>, after: number) => void;
  /** Looks at what is ours more closely, after everybody has been woken. */
  readonly inspect: (ours: readonly ObservedContainer[], signal: AbortSignal) => Promise<void>;
}

export interface Relist {
  /** Look at everything now: the engine has come back. */
  poke(): void;
  run(signal: AbortSignal): Promise<void>;
}

/** Events are hints: every so often the whole list is looked at, whatever was missed. */
const periodMs = 30_000;
const retryMs = 2_000;

/** Lists everything on the engine: at every (re)connection and every 30 s, at absolute times, so that no event puts it off. */
export function createRelist(parts: RelistParts): Relist {
  const { clock, store } = parts;
  const reportedOrphans = new Set<string>();
  const loop = createWakeableLoop(clock);
  const renamedContainers = createRenamedContainers(parts);
  const podTurns = createPodTurns();
  let isPoked = false;
  let due = clock.mono();

  async function relistOnce(signal: AbortSignal): Promise<boolean> {
    const after = parts.lister.begun();
    const seen = await parts.lister.list(signal, after);
    if (!seen.ok) return false;
    parts.images.forget();
    const installId = installIdOf(store) ?? establishInstallId(parts, seen.value);
    const ours = seen.value.filter((container) => container.installId === installId);
    recordOrphans(parts, ours, reportedOrphans);
    forgetGoneOrphans(store, ours);
    const known = knownPodIds(store.desiredPods.list(), stillTerminating(store.terminatingPods.list()));
    parts.onListed(podTurns.next(new Set(known.map(podKey)), ours), after);
    await renamedContainers.putRight(ours, signal);
    await parts.inspect(ours, signal);
    return true;
  }

  async function runOnce(signal: AbortSignal): Promise<number> {
    if (!parts.engineReady()) return periodMs;
    if (isPoked || clock.mono() >= due) {
      if (isPoked) podTurns.restart();
      isPoked = false;
      due = clock.mono() + ((await relistOnce(signal)) ? periodMs : retryMs);
    }
    return Math.max(1, due - clock.mono());
  }

  return {
    poke() {
      isPoked = true;
      loop.wake();
    },
    run(signal) {
      due = clock.mono();
      return loop.run(runOnce, signal);
    },
  };
}

/** What a pod without a row did is remembered for as long as a container of it is there. */
function forgetGoneOrphans(store: Store, ours: readonly ObservedContainer[]): void {
  const pods = [...knownPodIds(store.desiredPods.list(), store.terminatingPods.list()), ...ours.map(({ pod }) => pod)];
  const known = new Set(pods.map(({ uid }) => uid));
  for (const uid of store.histories.uids()) if (!known.has(uid)) store.histories.delete(uid);
}

/** Containers of ours with neither row nor tombstone: told once, never removed (lifecycle.md, Delete). */
function recordOrphans(parts: RelistParts, ours: readonly ObservedContainer[], recorded: Set<string>): void {
  const { store, events } = parts;
  const known = new Set(knownPodIds(store.desiredPods.list(), store.terminatingPods.list()).map(podKey));
  for (const container of ours) {
    const key = podKey(container.pod);
    if (known.has(key) || recorded.has(key)) continue;
    recorded.add(key);
    const message = `Container ${container.id.slice(0, 12)} belongs to a pod that this device has no record of; the agent keeps it running by the policy in its label`;
    events.recordPodEvent(key, { type: "Warning", container: container.container, reason: "Orphaned", message });
  }
}
