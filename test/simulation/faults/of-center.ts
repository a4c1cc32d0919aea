import { type Fault, withoutContainer } from "./fault.ts";

const asked = ["update", "update", "newUid", "restart", "restart", "delete", "gracefulDelete"] as const;

/** What the center asks for. */
export const ofCenter: Readonly<Record<string, Fault>> = {
  messageAgain: {
    weight: 2,
    happen: ({ center, dice }) => center.repeat(dice),
  },
  staleUpdate: { weight: 2, ofPod: true, happen: ({ center, pod, dice }) => center.stale(pod, dice) },
  flood: { weight: 1, happen: ({ center, dice }) => center.flood(dice) },
  configMapUpdate: { weight: 3, happen: ({ center, dice }) => center.askConfigMap("update", dice) },
  configMapDelete: { weight: 1, happen: ({ center, dice }) => center.askConfigMap("delete", dice) },
  podsData: { weight: 1, happen: ({ center, dice }) => center.askPodsData(dice) },
  update: { weight: 14, ofPod: true, happen: ({ center, pod, dice }) => center.ask(pod, "update", dice) },
  burst: {
    weight: 4,
    ofPod: true,
    happen({ center, pod, dice }) {
      const all = Array.from({ length: 2 + dice.below(2) }, () => center.ask(pod, dice.pick(asked), dice));
      const words = all.filter((one) => one !== null);
      return words.length === 0 ? null : words.join("; ");
    },
  },
  newUid: { weight: 2, ofPod: true, happen: ({ center, pod, dice }) => center.ask(pod, "newUid", dice) },
  restart: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: ({ center, pod, dice }) => center.ask(pod, "restart", dice),
  },
  lateDelete: { weight: 1, ofPod: true, happen: ({ center, pod, dice }) => center.lateDelete(pod, dice) },
  delete: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: ({ center, pod, dice }) => center.ask(pod, "delete", dice),
  },
  gracefulDelete: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: ({ center, pod, dice }) => center.ask(pod, "gracefulDelete", dice),
  },
};
