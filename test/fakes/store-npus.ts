import { byNumber, type NpuHolder } from "../../src/core/pod/npu.ts";
import type { Store } from "../../src/ports/store.ts";
import type { Room } from "./store-state.ts";

/** Who has which NPU, by its name. */
export function npuHolders({ called, change, state }: Room): Store["npus"] {
  const all = (): readonly NpuHolder[] => [...state().npus.values()].map((json): NpuHolder => JSON.parse(json));
  return {
    holders() {
      called("npus.holders");
      return [...all()].sort((a, b) => byNumber(a.npu, b.npu));
    },
    put(pod, container, npus) {
      called("npus.put");
      const mine = ({ pod: { uid }, container: its }: NpuHolder): boolean => uid === pod.uid && its === container;
      const before = all().filter(mine);
      if (before.length === npus.length && npus.every((npu) => before.some((one) => one.npu === npu))) return;
      const others = all().filter((one) => !mine(one));
      const taken = others.find(({ npu }) => npus.includes(npu));
      if (taken !== undefined) throw new Error(`${taken.npu} is ${taken.pod.name}'s`);
      const { namespace, name, uid } = pod;
      const own = npus.map((npu): NpuHolder => ({ npu, pod: { namespace, name, uid }, container }));
      change({ npus: new Map([...others, ...own].map((one) => [one.npu, JSON.stringify(one)])) });
    },
  };
}
