import { podsData } from "../samples/messages.ts";
import type { Dice } from "./steps.ts";

/** The order to delete everything: nobody says OK to it, the device tells what has come of it. */
export interface PodsDataLedger {
  /** Null while one is under way. */
  ask(dice: Dice): string | null;
  /** The text that waits for its result. */
  outstanding(): string | null;
  /** The device knows nothing of it any more. */
  forgot(): void;
  /** Takes in a `config_result`; true when the order has ended with it. A result may arrive more than once. */
  heard(msgId: string, content: unknown): boolean;
}

export function createPodsDataLedger(): PodsDataLedger {
  const results = new Set<string>();
  let outstanding: string | null = null;
  return {
    ask(dice) {
      if (outstanding !== null) return null;
      outstanding = podsData(dice.uuid());
      return "the centre deletes everything";
    },
    outstanding: () => outstanding,
    forgot() {
      outstanding = null;
    },
    heard(msgId, content) {
      if (results.has(msgId)) return false;
      results.add(msgId);
      const { topic, percentage } = JSON.parse(String(content)) as {
        readonly topic: string;
        readonly percentage: string;
      };
      if (outstanding === null || topic !== "pods_data" || percentage !== "100%") return false;
      outstanding = null;
      return true;
    },
  };
}
