import type { Dice } from "../../fakes/random.ts";
import { podsData } from "../../samples/messages.ts";

/** The order to delete everything: nobody says OK to it, the device tells what has come of it. */
export interface PodsDataLedger {
  /** Null while one is under way. */
  ask(dice: Dice): string | null;
  /** The text that waits for its result. */
  outstanding(): string | null;
  /** It is on its way: from now on the device may have carried it out. */
  sent(): void;
  mayBeDone(): boolean;
  /** The device knows nothing of it any more. */
  forgot(): void;
  /** Takes in a `config_result`; null unless the order has ended with it. A result may arrive more than once. */
  heard(msgId: string, content: unknown): { readonly text: string; readonly succeeded: boolean } | null;
}

export function createPodsDataLedger(): PodsDataLedger {
  const results = new Set<string>();
  let outstanding: string | null = null;
  let isSent = false;
  return {
    ask(dice) {
      if (outstanding !== null) return null;
      outstanding = podsData(dice.uuid());
      isSent = false;
      return "the center deletes everything";
    },
    outstanding: () => outstanding,
    sent() {
      isSent = true;
    },
    mayBeDone: () => outstanding !== null && isSent,
    forgot() {
      outstanding = null;
    },
    heard(msgId, content) {
      if (results.has(msgId)) return null;
      results.add(msgId);
      const { topic, percentage, result } = JSON.parse(String(content)) as Readonly<Record<string, string>>;
      if (outstanding === null || topic !== "pods_data" || percentage !== "100%") return null;
      const text = outstanding;
      outstanding = null;
      return { text, succeeded: result === "success" };
    },
  };
}
