import type { Store } from "../../../src/ports/store.ts";
import type { Fault } from "./fault.ts";

/** The names of the store's calls, as the fake tells them: "setMeta", "outbox.append". */
type StoreCall = {
  [Name in keyof Store]: Store[Name] extends (...args: never[]) => unknown
    ? Name
    : `${Name}.${keyof Store[Name] & string}`;
}[keyof Store];

/** The calls of the store that change something. */
const writes = [
  ...["desiredPods.put", "desiredPods.delete", "terminatingPods.put", "terminatingPods.delete", "deletedPods.remember"],
  ...["histories.put", "histories.delete", "statuses.put", "statuses.delete", "npus.put"],
  ...["outbox.append", "outbox.release", "replies.remember", "events.append", "events.markReported", "setMeta"],
  ...["configMaps.put", "configMaps.delete"],
] as const satisfies readonly StoreCall[];

const whatGoes = (powerCut: boolean): string => (powerCut ? "the power will be cut" : "the agent will crash");

/** What happens to the agent, its disk and its clock. */
export const ofAgent: Readonly<Record<string, Fault>> = {
  crashAtStoreCall: {
    weight: 2,
    happen({ world, dice }) {
      const powerCut = dice.below(3) === 0;
      // By name as well: what is called seldom is met as often as what is called all the time.
      const name = dice.below(2) === 0 ? null : dice.pick(writes);
      const calls = 1 + dice.below(name === null ? 40 : 3);
      world.crashIn({ calls, name }, powerCut);
      return `${whatGoes(powerCut)} before store call ${calls}${name === null ? "" : ` of ${name}`}`;
    },
  },
  crashAtCommit: {
    weight: 3,
    happen({ world, dice }) {
      const commits = 1 + dice.below(5);
      const powerCut = dice.below(3) === 0;
      world.crashAtCommit(commits, powerCut);
      return `${whatGoes(powerCut)} before commit ${commits}`;
    },
  },
  crashAtAwait: {
    weight: 2,
    happen({ world, dice }) {
      const awaits = 1 + dice.below(40);
      const powerCut = dice.below(3) === 0;
      world.crashAtAwait(awaits, powerCut);
      return `${whatGoes(powerCut)} as the agent goes on after wait ${awaits}`;
    },
  },
  kill: {
    weight: 2,
    async happen({ world }) {
      await world.restart({ powerCut: false });
      return "the agent is killed and started again";
    },
  },
  powerCut: {
    weight: 2,
    async happen({ world }) {
      await world.restart({ powerCut: true });
      return "the power is cut";
    },
  },
  powerCutNoBattery: {
    weight: 1,
    async happen({ world }) {
      await world.restart({ powerCut: true, noBattery: true });
      return "the power is cut, and the clock begins at 1970";
    },
  },
  stop: {
    weight: 1,
    async happen({ world }) {
      await world.stopAndStart();
      return "the agent is stopped and started again";
    },
  },
  storeFails: {
    weight: 2,
    happen({ world, dice }) {
      const calls = 1 + dice.below(40);
      world.failStoreIn(calls);
      return `store call ${calls} will fail`;
    },
  },
  dataLost: {
    weight: 1,
    async happen({ world, center, dice }) {
      world.device.loseData();
      world.witness.unsure();
      world.witness.forgot();
      await world.restart({ powerCut: false, dataLost: true });
      center.deviceForgot(dice);
      return "the data folder is lost";
    },
  },
  clockJump: {
    weight: 2,
    happen({ world, dice }) {
      const ms = (dice.below(2) === 0 ? -1 : 1) * dice.below(86_400_000);
      world.clock.jump(ms);
      world.witness.unsure();
      return `the wall clock jumps by ${Math.round(ms / 1000)} s`;
    },
  },
  clockSet: {
    weight: 2,
    happen({ world, dice }) {
      const wall = dice.below(2) === 0 ? 60_000 : 1_800_000_000_000;
      world.clock.jump(wall - world.clock.wall());
      world.witness.unsure();
      return `the wall clock is set to ${new Date(wall).toISOString()}`;
    },
  },
};
