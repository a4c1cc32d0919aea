import type { DialAnswer } from "../../fakes/link.ts";
import type { Fault } from "./fault.ts";

const refusals: readonly DialAnswer[] = [
  { code: "refused", message: "connect ECONNREFUSED" },
  { code: "unreachable", message: "connect ENETUNREACH" },
  { code: "tls", message: "certificate has expired" },
  { code: "protocol", message: "Unexpected server response: 503", status: 503, retryAfterSeconds: 60 },
];

/** What happens to the line, and at its other end. */
export const ofLink: Readonly<Record<string, Fault>> = {
  linkCut: {
    weight: 2,
    happen({ world }) {
      world.center.cut();
      return "the link breaks, and what was under way is lost";
    },
  },
  linkClosed: {
    weight: 1,
    happen({ world, dice }) {
      const code = dice.pick([1000, 1001, 1008, 1011, 1012]);
      world.center.cut(code, "so it is");
      return `the center closes with ${code}`;
    },
  },
  linkStalls: {
    weight: 2,
    happen({ world, dice }) {
      const bothWays = dice.below(2) === 0;
      world.stall(bothWays ? "bothWays" : "toCenter");
      return bothWays ? "nothing gets through either way" : "nothing gets through to the center";
    },
  },
  linkFlows: {
    weight: 4,
    happen({ world, dice }) {
      world.stall("no");
      world.center.autoPong(dice.below(4) > 0);
      world.center.delay(dice.below(2) === 0 ? 1 : dice.below(2_000));
      return "the line flows again, fast or slow, with pongs or without";
    },
  },
  centerAway: {
    weight: 2,
    happen({ world, dice }) {
      const back = dice.below(2) === 0;
      const away = dice.pick<DialAnswer>(["hang", ...refusals]);
      world.center.answerDials(back ? "open" : away);
      world.center.cut();
      return back ? "the center comes back" : "the center goes";
    },
  },
};
