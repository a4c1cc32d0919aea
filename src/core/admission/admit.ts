import type { AcceptedPod } from "../pod/spec.ts";
import type { Message } from "../protocol/message.ts";
import type { AdmissionContext, Admitted } from "./context.ts";
import type { Verdict } from "./verdict.ts";

/** Judges a pod update: accepted with the secure defaults filled in, or every violation at once. */
export function admitPod(_content: unknown, _context: AdmissionContext): Verdict<AcceptedPod> {
  return notYet();
}

/** Judges a pod update that carries `deletionTimestamp` (decisions.md 24). */
export function admitGracefulDelete(
  _content: unknown,
  _context: AdmissionContext,
): Verdict<Extract<Admitted, { kind: "graceful-delete" }>> {
  return notYet();
}

/** Whether a pod update means a graceful delete: `deletionTimestamp` is there. */
export function isGracefulDelete(_content: unknown): boolean {
  return false;
}

/** Judges any message: header, route, then content. */
export function admitMessage(_message: Message, _context: AdmissionContext): Verdict<Admitted> {
  return notYet();
}

function notYet<T>(): Verdict<T> {
  const message = "Nothing is admitted by this version yet";
  return { accepted: false, violations: [{ path: "", rule: "notYet", message, value: null }], warnings: [] };
}
