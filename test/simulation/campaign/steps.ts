import { seededRandom } from "../../fakes/random.ts";
import { podNames } from "../world/pod-specs.ts";

/** One thing that happens to the device, as data: it can be kept, dropped from a run and played again. */
export interface Step {
  readonly fault: string;
  /** Which of the pods it is about, where it is about one. */
  readonly subject: number;
  /** Decides whatever else there is to decide; no other step changes it. */
  readonly dice: number;
  /** Milliseconds that pass afterwards. */
  readonly waitMs: number;
}

/** Where steps come from: the next one, seeing what state each pod is in; null at the end. */
export type StepSource = (states: readonly string[]) => Step | null;

/** Met on purpose: the next time that a pod is in `state`, `fault` happens. */
export interface Aim {
  readonly fault: string;
  readonly state: string;
}

export interface Draw {
  readonly seed: number;
  readonly count: number;
  /** Names of faults, each as often as it is to be drawn. */
  readonly faults: readonly string[];
  readonly aim: Aim | null;
}

/** Steps from one seed. */
export function drawSteps({ seed, count, faults, aim }: Draw): StepSource {
  const random = seededRandom(seed ^ 0x5eed);
  let left = count;
  return (states) => {
    if (left === 0) return null;
    left -= 1;
    const drawn = {
      fault: random.pick(faults),
      subject: random.below(podNames.length),
      dice: random.below(2 ** 32),
      waitMs: random.below(3) === 0 ? random.below(40_000) : random.below(2_000),
    };
    const hit = aim === null ? -1 : states.indexOf(aim.state);
    if (aim === null || hit < 0 || random.below(2) === 0) return drawn;
    return { ...drawn, fault: aim.fault, subject: hit };
  };
}

export function replaySteps(steps: readonly Step[]): StepSource {
  let next = 0;
  return () => {
    const step = steps[next] ?? null;
    next += 1;
    return step;
  };
}
