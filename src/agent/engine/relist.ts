import type { ObservedContainer } from "../../core/pod/observed.ts";
import { podKey } from "../../core/pod/spec.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { Store } from "../../ports/store.ts";
import { momentOf } from "../loop/moment.ts";
import { woken } from "../loop/woken.ts";
import type { Observer } from "./container-lister.ts";

export interface RelistParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: Observer;
  readonly engineReady: () => boolean;
  /** Called after a list that worked, with every pod that has a row or a container of ours. */
  readonly onListed: (keys: ReadonlySet<string>) => void;
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
const installIdKey = "installId";

/** The device's install id, null before the first list that worked. */
export function installIdOf(store: Store): string | null {
  return store.getMeta(installIdKey);
}

/** Takes stock of the engine: at every (re)connection and every 30 s, at absolute times, so that no event puts it off. */
export function createRelist(parts: RelistParts): Relist {
  const { clock, store } = parts;
  const reportedOrphans = new Set<string>();
  let alarm = new AbortController();
  let poked = false;

  async function relistOnce(signal: AbortSignal): Promise<boolean> {
    const seen = await parts.observer.look(signal);
    if (!seen.ok) return false;
    const installId = installIdOf(store) ?? establishInstallId(parts, seen.value);
    const ours = seen.value.filter((one) => one.installId === installId);
    recordOrphans(parts, ours, reportedOrphans);
    const rows = [
      ...store.desiredPods().map((one) => one.pod.id),
      ...store
        .terminatingPods()
        .filter((one) => !one.isTerminated)
        .map((one) => one.id),
    ];
    forgetGoneOrphans(store, ours);
    parts.onListed(new Set([...rows, ...ours.map((one) => one.pod)].map(podKey)));
    await parts.inspect(ours, signal);
    return true;
  }

  return {
    poke() {
      poked = true;
      alarm.abort(woken);
    },
    async run(signal) {
      const stop = (): void => alarm.abort(woken);
      signal.addEventListener("abort", stop);
      let due = clock.mono();
      while (!signal.aborted) {
        alarm = new AbortController();
        if (parts.engineReady() && (poked || clock.mono() >= due)) {
          poked = false;
          due = clock.mono() + ((await relistOnce(signal)) ? periodMs : retryMs);
          continue;
        }
        await clock.sleep(parts.engineReady() ? Math.max(1, due - clock.mono()) : periodMs, alarm.signal);
      }
      signal.removeEventListener("abort", stop);
    },
  };
}

/** A data folder that was lost takes the id found on the engine, so that what runs is known again. */
function establishInstallId({ store, random, log }: RelistParts, seen: readonly ObservedContainer[]): string {
  const installId = seen[0]?.installId ?? random.uuid();
  store.transaction("full", () => store.setMeta(installIdKey, installId));
  log.write("info", "Install id settled", { installId, found: seen.length > 0 });
  return installId;
}

/** What a pod without a row did is remembered for as long as a container of it is there. */
function forgetGoneOrphans(store: Store, ours: readonly ObservedContainer[]): void {
  const known = new Set([
    ...store.desiredPods().map(({ pod }) => pod.id.uid),
    ...store.terminatingPods().map(({ id }) => id.uid),
    ...ours.map(({ pod }) => pod.uid),
  ]);
  for (const uid of store.historyUids()) if (!known.has(uid)) store.deleteHistory(uid);
}

/** Containers of ours with neither row nor tombstone: told once, never removed (lifecycle.md, Delete). */
function recordOrphans(parts: RelistParts, ours: readonly ObservedContainer[], told: Set<string>): void {
  const { store } = parts;
  const known = new Set(
    [...store.desiredPods().map((one) => one.pod.id), ...store.terminatingPods().map((one) => one.id)].map(podKey),
  );
  for (const one of ours) {
    const key = podKey(one.pod);
    if (known.has(key) || told.has(key)) continue;
    told.add(key);
    const message = `Container ${one.id.slice(0, 12)} is of a pod that this device has no record of; it is kept running by the policy in its label`;
    parts.log.write("warn", "Unmanaged container", { pod: key, container: one.id });
    store.appendEvent(
      { type: "Warning", pod: key, container: one.container, reason: "Unmanaged", message },
      momentOf(parts.clock),
    );
  }
}
