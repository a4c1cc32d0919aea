import type { Fault } from "./fault.ts";
import { ofContainers } from "./of-containers.ts";
import { ofEngine } from "./of-engine.ts";

const happenings: readonly (readonly [string, Fault | undefined])[] = [
  ...Object.entries({ ...ofContainers }).filter(([name]) =>
    ["containerEnds", "removedByHand", "startedByHand"].includes(name),
  ),
  ["imageCleared", ofEngine["imageCleared"]],
];

/** What happens while no agent runs. */
export const unseen: Readonly<Record<string, Fault>> = {
  agentAway: {
    weight: 2,
    ofPod: true,
    async happen(site) {
      const { world, dice } = site;
      const awayMs = 1_000 + dice.below(2) * dice.below(3_600_000);
      const [, fault] = dice.pick(happenings);
      let words: unknown = null;
      await world.restart({
        powerCut: false,
        awayMs,
        meanwhile() {
          words = fault?.happen(site) ?? "nothing";
        },
      });
      return `no agent runs for ${Math.round(awayMs / 1000)} s; meanwhile: ${words}`;
    },
  },
  engineRestartsUnseen: {
    weight: 2,
    async happen({ world, dice }) {
      const how = dice.below(2) === 0 ? "stop" : "crash";
      await world.restart({
        powerCut: false,
        meanwhile() {
          world.host.down(how);
          world.host.up();
        },
      });
      return `the engine goes down (${how}) and comes up while no agent runs`;
    },
  },
};
