import { type Fault, withoutContainer } from "./fault.ts";

const asked = ["update", "update", "newUid", "restart", "restart", "delete", "gracefulDelete"] as const;

/** What the centre asks for. */
export const ofCentre: Readonly<Record<string, Fault>> = {
  messageAgain: {
    weight: 2,
    happen: ({ centre, dice }) => centre.repeat(dice),
  },
  staleUpdate: { weight: 2, ofPod: true, happen: ({ centre, pod, dice }) => centre.stale(pod, dice) },
  flood: { weight: 1, happen: ({ centre, dice }) => centre.flood(dice) },
  configMapUpdate: { weight: 3, happen: ({ centre, dice }) => centre.askConfigMap("update", dice) },
  configMapDelete: { weight: 1, happen: ({ centre, dice }) => centre.askConfigMap("delete", dice) },
  podsData: { weight: 1, happen: ({ centre, dice }) => centre.askPodsData(dice) },
  update: { weight: 14, ofPod: true, happen: ({ centre, pod, dice }) => centre.ask(pod, "update", dice) },
  burst: {
    weight: 4,
    ofPod: true,
    happen({ centre, pod, dice }) {
      const all = Array.from({ length: 2 + dice.below(2) }, () => centre.ask(pod, dice.pick(asked), dice));
      const words = all.filter((one) => one !== null);
      return words.length === 0 ? null : words.join("; ");
    },
  },
  newUid: { weight: 2, ofPod: true, happen: ({ centre, pod, dice }) => centre.ask(pod, "newUid", dice) },
  restart: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: ({ centre, pod, dice }) => centre.ask(pod, "restart", dice),
  },
  lateDelete: { weight: 1, ofPod: true, happen: ({ centre, pod, dice }) => centre.lateDelete(pod, dice) },
  delete: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: ({ centre, pod, dice }) => centre.ask(pod, "delete", dice),
  },
  gracefulDelete: {
    weight: 2,
    ofPod: true,
    never: withoutContainer,
    happen: ({ centre, pod, dice }) => centre.ask(pod, "gracefulDelete", dice),
  },
};
