import { type Fault, withoutContainer } from "./fault.ts";

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
