import { gracefulDelete, podDelete, podRestart, podUpdate } from "../samples/messages.ts";
import { drawPolicy, drawSpec, type Spec } from "./pod-specs.ts";
import type { Dice } from "./steps.ts";

/** What the centre has asked of one pod name, and what the device has answered. */
export interface PodLedger {
  readonly name: string;
  /** resourceVersion of the newest update. */
  version: number;
  /** The message that waits for its answer; sent again until it has come. */
  outstanding: Outstanding | null;
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
  readonly wants: Wanted;
  /** Why the device may say no, null when it has no reason to. */
  mayRefuse: string | null;
}

export type Asked = "update" | "newUid" | "restart" | "delete" | "gracefulDelete";

export type Wanted = { readonly kind: "none" } | WantedPod;

interface WantedPod {
  readonly kind: "pod";
  readonly uid: string;
  readonly version: number;
  readonly policy: string;
  readonly spec: Spec;
}

/** The device has said OK to it. */
export function accept(ledger: PodLedger, { text, wants }: Outstanding): void {
  const { wanted } = ledger;
  const isSame = wanted.kind === "pod" && wants.kind === "pod" && wanted.uid === wants.uid;
  if (!isSame) ledger.restarts = 0;
  else if (JSON.parse(text).route.operation === "restart") ledger.restarts += 1;
  if (wants.kind === "pod" && JSON.parse(text).route.operation === "update") ledger.old.push(text);
  want(ledger, wants);
}

/** What the centre wants from now on. */
export function want(ledger: PodLedger, wants: Wanted): void {
  // Kept for a while: a late one must not bring a deleted pod back.
  if (ledger.wanted.kind === "pod" && wants.kind === "none") ledger.old.splice(0, ledger.old.length - 20);
  ledger.wanted = wants;
}

/** The message that asks for it, and what is wanted then. */
export function askFor(ledger: PodLedger, what: Asked, dice: Dice): Omit<Outstanding, "mayRefuse"> {
  const { name, wanted } = ledger;
  if (wanted.kind === "none") return update(ledger, dice.uuid(), drawPolicy(dice), dice);
  const msgId = dice.uuid();
  const { uid, version, spec, policy } = wanted;
  switch (what) {
    case "delete":
      return { msgId, text: podDelete({ name, msgId, uid }), wants: { kind: "none" } };
    case "gracefulDelete": {
      const pod = { name, msgId, uid, resourceVersion: String(version), spec };
      return { msgId, text: gracefulDelete(pod, dice.below(31)), wants: { kind: "none" } };
    }
    case "restart":
      ledger.mostGeneration += 1;
      return { msgId, text: podRestart({ name, msgId }), wants: wanted };
    case "newUid":
      return update(ledger, dice.uuid(), drawPolicy(dice), dice);
    case "update":
      return update(ledger, uid, policy, dice);
    default:
      return what satisfies never;
  }
}

/** An update to the next version. */
export function update(ledger: PodLedger, uid: string, policy: string, dice: Dice): Omit<Outstanding, "mayRefuse"> {
  const msgId = dice.uuid();
  const { name, wanted } = ledger;
  // The same uid wanted again while it still leaves gets a generation of its own.
  if (wanted.kind === "none") ledger.mostGeneration = 1;
  else if (wanted.uid !== uid) ledger.mostGeneration += 1;
  ledger.version += 1;
  const spec = drawSpec(name, policy, dice);
  const text = podUpdate({ name, uid, msgId, resourceVersion: String(ledger.version), spec });
  return { msgId, text, wants: { kind: "pod", uid, version: ledger.version, policy, spec } };
}
