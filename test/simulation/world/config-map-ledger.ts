import type { Dice } from "../../fakes/random.ts";
import { configMapDelete, configMapUpdate } from "../../samples/messages.ts";

/** The one config map of a simulation, which some pods mount. */
export const configMapName = "settings";

interface Outstanding {
  readonly msgId: string;
  readonly text: string;
  readonly version: number | null;
  /** Why the device may say no, null when it has no reason to. */
  mayRefuse: string | null;
}

/** What the center has asked of the config map, and what the device has answered. */
export interface ConfigMapLedger {
  /** What the device has said OK to last; null when it is to have none. */
  accepted(): number | null;
  /** What the device may have in its store now. */
  possible(): readonly (number | null)[];
  /** Asks for another version; null while something is outstanding. */
  update(dice: Dice, mayRefuse: string | null): string | null;
  remove(dice: Dice, mayRefuse: string | null): string | null;
  /** From now on there is to be one. */
  need(dice: Dice): void;
  /** Asks for one where there is to be one and is none. */
  askIfNeeded(): void;
  /** The device has lost it. */
  forgot(): void;
  mayRefuse(why: string): void;
  /** The text that waits for its answer. */
  outstanding(): string | null;
  /** Takes in an answer; what it gives back was accepted, or is wrong. Null when the answer is to something else. */
  answered(msgId: string, content: unknown): { readonly accepted?: string; readonly surprise?: string } | null;
}

export function createConfigMapLedger(): ConfigMapLedger {
  let version = 0;
  let accepted: number | null = null;
  let outstanding: Outstanding | null = null;
  let needs: Dice | null = null;

  function update(dice: Dice, mayRefuse: string | null): string | null {
    if (outstanding !== null) return null;
    version += 1;
    const msgId = dice.uuid();
    const text = configMapUpdate(configMapName, msgId, { version: String(version) });
    outstanding = { msgId, text, version, mayRefuse };
    return `the center asks for version ${version} of the config map`;
  }

  return {
    accepted: () => accepted,
    possible: () => [accepted, ...(outstanding === null ? [] : [outstanding.version])],
    update,
    remove(dice, mayRefuse) {
      if (outstanding !== null || accepted === null) return null;
      const msgId = dice.uuid();
      outstanding = { msgId, text: configMapDelete(configMapName, msgId), version: null, mayRefuse };
      return "the center deletes the config map";
    },
    need(dice) {
      needs = dice;
    },
    askIfNeeded() {
      if (needs !== null && accepted === null) update(needs, null);
    },
    forgot() {
      accepted = null;
    },
    mayRefuse(why) {
      if (outstanding !== null) outstanding.mayRefuse ??= why;
    },
    outstanding: () => outstanding?.text ?? null,
    answered(msgId, content) {
      if (outstanding?.msgId !== msgId) return null;
      const { text, mayRefuse } = outstanding;
      if (content !== "OK") return mayRefuse === null ? { surprise: `the config map: ${String(content)}` } : {};
      accepted = outstanding.version;
      outstanding = null;
      return { accepted: text };
    },
  };
}
