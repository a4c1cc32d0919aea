import type { Violation } from "../../core/base/violation.ts";
import type { Moment } from "../../core/pod/container-history.ts";
import type { NodeDevice } from "../../ports/node-device.ts";
import type { PodFiles } from "../../ports/pod-files.ts";
import type { Store } from "../../ports/store.ts";

/** What an accepted message did to the desired state. */
export type Applied =
  | {
      readonly ok: true;
      /** The pod that the message changes. */
      readonly wake: string | null;
      /** The pod that the message is about, where it changes nothing of it. */
      readonly about?: string;
      /** Pods that it concerns too. */
      readonly alsoWake?: readonly string[];
      readonly summary: string;
    }
  | { readonly ok: false; readonly violations: readonly Violation[] };

export interface ApplyContext {
  readonly store: Store;
  readonly device: NodeDevice;
  readonly podFiles: PodFiles;
  readonly now: Moment;
  /** What asks for it, as `DesiredPod.request`. */
  readonly request: string;
  readonly contentHash: string;
}

/** A device with less free space than this rejects updates (decisions.md 22: what cannot be stored cannot be promised). */
export const leastFreeBytes = 50 * 1024 * 1024;

/** A message that cannot be applied although admission accepted it, and why. */
export function refuse(path: string, rule: string, message: string, value: unknown): Applied {
  return { ok: false, violations: [{ path, rule, message, value }] };
}

/** The refusal of what needs room on the disk; null while there is enough. */
export function noSpace(context: ApplyContext, what: string): Applied | null {
  if (context.device.freeBytes() >= leastFreeBytes) return null;
  const message = `Less than ${leastFreeBytes / 1024 / 1024} MiB are free on this device, so ${what} cannot be stored. Free some space and send it again.`;
  return refuse("", "disk", message, null);
}
