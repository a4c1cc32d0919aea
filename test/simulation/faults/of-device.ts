import type { Fault } from "./fault.ts";

/** What the device itself is asked for, by files and through the socket. */
export const ofDevice: Readonly<Record<string, Fault>> = {
  factoryFile: { weight: 4, happen: ({ world, dice }) => world.ledger.changeFile(dice) },
  localRequest: { weight: 4, happen: ({ world, dice }) => world.ledger.ask(dice) },
  /** It dies while it works on a request: who asks is not answered. */
  requestBreaks: {
    weight: 2,
    happen({ world, dice }) {
      world.crashIn({ calls: 1 + dice.below(12), name: null }, dice.below(2) === 0);
      return `${world.ledger.ask(dice)}, and the agent is to die`;
    },
  },
};
