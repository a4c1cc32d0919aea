import { isPaused, type ObservedContainer } from "../../core/pod/observed.ts";
import { podKey } from "../../core/pod/spec.ts";

/** Which pods a full list wakes. */
export interface PodTurns {
  /**
   * The pods to wake after this list: those with anything else than running containers, those whose containers are not the
   * ones of the list before, and in turns all others.
   * @param known keys of the pods that the store has
   * @param ours containers of this device's pods in the list
   */
  next(known: ReadonlySet<string>, ours: readonly ObservedContainer[]): ReadonlySet<string>;
  /** The next list wakes every pod: what has happened shows nowhere in the containers. */
  restart(): void;
}

/** A pod that runs unchanged is woken at every so many lists, each ten minutes. */
const lists = 20;

/** A list makes up for lost events: where it shows what the list before has shown, and all runs, no event was lost. */
export function createPodTurns(): PodTurns {
  let before: ReadonlyMap<string, string> = new Map();
  let turn = 0;
  return {
    next(known, ours) {
      const now = runningPods(ours);
      const keys = new Set([...known, ...ours.map(({ pod }) => podKey(pod))]);
      turn = (turn + 1) % lists;
      const woken = [...keys].filter((key, index) => {
        const running = now.get(key);
        return running === undefined || running !== before.get(key) || index % lists === turn;
      });
      before = now;
      return new Set(woken);
    },
    restart() {
      before = new Map();
    },
  };
}

/** What a list shows of each pod of which it shows only running containers. */
function runningPods(ours: readonly ObservedContainer[]): ReadonlyMap<string, string> {
  const shown = new Map<string, readonly string[] | null>();
  for (const container of ours) {
    const key = podKey(container.pod);
    const others = shown.get(key);
    const isRunning = container.state.kind === "running" && !isPaused(container);
    shown.set(key, isRunning && others !== null ? [...(others ?? []), JSON.stringify(container)] : null);
  }
  const running = [...shown].flatMap(([key, texts]) =>
    texts === null ? [] : [[key, texts.toSorted().join()] as const],
  );
  return new Map(running);
}
