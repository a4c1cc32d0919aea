import type { Dice } from "../../fakes/random.ts";
import { gracefulDelete, podDelete, podRestart, podUpdate } from "../../samples/messages.ts";
import { drawPolicy, drawSpec, type Spec } from "./pod-specs.ts";

/** What the center has asked of one pod name, and what the device has answered. */
export interface PodLedger {
  readonly name: string;
  /** resourceVersion of the newest update. */
  version: number;
  /** The messages that wait for their answers, in the order of asking. */
  readonly outstanding: Outstanding[];
  wanted: Wanted;
  /** Texts of updates that were accepted for the pod at hand, or for one that was deleted since. */
  readonly old: string[];
  /** The restart generation can be no higher, however often each message came. */
  mostGeneration: number;
  /** Restarts of the pod at hand that were answered with OK: none of them may be taken back. */
  restarts: number;
}

export interface Outstanding {
  readonly msgId: string;
  readonly text: string;
  /** What is wanted once it is accepted; null where it changes nothing of that, as a restart. */
  readonly wants: Wanted | null;
  /** The pod that it is about. */
  readonly uid: string;
  /** Why the device may say no, null when it has no reason to. */
  mayRefuse: string | null;
  isSent: boolean;
}

type Asks = Omit<Outstanding, "mayRefuse" | "isSent">;

export type Asked = "update" | "newUid" | "restart" | "delete" | "gracefulDelete";

export type Wanted = { readonly kind: "none" } | WantedPod;

interface WantedPod {
  readonly kind: "pod";
  readonly uid: string;
  readonly version: number;
  readonly policy: string;
  readonly spec: Spec;
}

/** What the center wants once all is accepted that it has asked for. */
export function expected({ wanted, outstanding }: PodLedger): Wanted {
  return outstanding.reduce<Wanted>((before, { wants }) => wants ?? before, wanted);
}

/** What may be wanted once all is answered. */
export function possible({ wanted, outstanding }: Pick<PodLedger, "wanted" | "outstanding">): readonly Wanted[] {
  return [wanted, ...outstanding.flatMap(({ wants }) => (wants === null ? [] : [wants]))];
}

/** What the device may be about by now: of what was said the answer may be on its way. */
export function possibleNow({ wanted, outstanding }: PodLedger): readonly Wanted[] {
  return possible({ wanted, outstanding: outstanding.filter(({ isSent }) => isSent) });
}

/** The device has said OK to it. */
export function accept(ledger: PodLedger, { text, wants }: Outstanding): void {
  if (wants === null) {
    ledger.restarts += 1;
    return;
  }
  const { wanted } = ledger;
  if (wanted.kind === "none" || wants.kind === "none" || wanted.uid !== wants.uid) ledger.restarts = 0;
  if (wants.kind === "pod") ledger.old.push(text);
  want(ledger, wants);
}

/** What the center wants from now on. */
export function want(ledger: PodLedger, wants: Wanted): void {
  // Kept for a while: a late one must not bring a deleted pod back.
  if (ledger.wanted.kind === "pod" && wants.kind === "none") ledger.old.splice(0, ledger.old.length - 20);
  ledger.wanted = wants;
}

/**
 * What is to be said now: all that was not answered, but for what is of a pod that something said since has put another one,
 * or none, in the place of. A delete is always said: it names the pod that it is about.
 */
export function toSay({ outstanding }: PodLedger): readonly Outstanding[] {
  return outstanding.filter(
    (one, at) =>
      one.wants?.kind === "none" ||
      !outstanding.slice(at + 1).some(({ wants, isSent }) => isSent && isInPlaceOf(wants, one)),
  );
}

/** Whether what is wanted next is another pod, or none: then what was asked of this one is pointless. */
function isInPlaceOf(next: Wanted | null, { uid }: Outstanding): boolean {
  return next !== null && (next.kind === "none" || next.uid !== uid);
}

/** Takes it out, and with it what was asked before and is of no interest any more: nobody asks for that again. */
export function settle(ledger: PodLedger, one: Outstanding, answer: "accepted" | "refused"): void {
  const { outstanding } = ledger;
  const before = outstanding.splice(0, outstanding.indexOf(one) + 1).slice(0, -1);
  const isOver = (earlier: Outstanding): boolean =>
    isInPlaceOf(one.wants, earlier) || (one.wants !== null && earlier.wants !== null);
  outstanding.unshift(...before.filter((earlier) => answer === "refused" || !isOver(earlier)));
}

/** How many messages of one pod may be under way. */
const mostOutstanding = 3;

/** Whether it can be asked now. */
export function mayAsk(ledger: PodLedger, what: Asked): boolean {
  const { outstanding } = ledger;
  const isPod = expected(ledger).kind === "pod";
  if (outstanding.length >= mostOutstanding) return false;
  if (!isPod) return what === "newUid" || what === "update";
  const pods = possible(ledger).flatMap((one) => (one.kind === "pod" ? [one] : []));
  // It names the containers of the pod that is stored, and an update may be refused.
  if (what === "gracefulDelete") return pods.length === 1;
  // A pod that was refused is not there to be deleted, and the one before it stays.
  return what !== "delete" || pods.every(({ uid }) => uid === pods[0]?.uid);
}

/** The message that asks for it, and what is wanted then. */
export function askFor(ledger: PodLedger, what: Asked, dice: Dice): Asks {
  const { name } = ledger;
  const wanted = expected(ledger);
  if (wanted.kind === "none") return update(ledger, dice.uuid(), drawPolicy(dice), dice);
  const msgId = dice.uuid();
  const { uid, version, spec, policy } = wanted;
  switch (what) {
    case "delete":
      return { msgId, text: podDelete({ name, msgId, uid }), wants: { kind: "none" }, uid };
    case "gracefulDelete": {
      const pod = { name, msgId, uid, resourceVersion: String(version), spec };
      return { msgId, text: gracefulDelete(pod, dice.below(31)), wants: { kind: "none" }, uid };
    }
    case "restart":
      ledger.mostGeneration += 1;
      return { msgId, text: podRestart({ name, msgId }), wants: null, uid };
    case "newUid":
      return update(ledger, dice.uuid(), drawPolicy(dice), dice);
    case "update":
      return update(ledger, uid, policy, dice);
    default:
      return what satisfies never;
  }
}

/** An update to the next version. */
export function update(ledger: PodLedger, uid: string, policy: string, dice: Dice): Asks {
  const msgId = dice.uuid();
  const { name, outstanding } = ledger;
  const wanted = expected(ledger);
  // The same uid wanted again while it still leaves gets a generation of its own.
  if (wanted.kind === "none" && outstanding.length === 0) ledger.mostGeneration = 1;
  else if (wanted.kind === "none" || wanted.uid !== uid) ledger.mostGeneration += 1;
  ledger.version += 1;
  const spec = drawSpec(name, policy, dice);
  const text = podUpdate({ name, uid, msgId, resourceVersion: String(ledger.version), spec });
  return { msgId, text, wants: { kind: "pod", uid, version: ledger.version, policy, spec }, uid };
}
