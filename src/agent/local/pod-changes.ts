// agent/local: pods that the device itself asks for: files of its maker, and requests on its socket.

import type { AdmissionContext, Admitted, Asker } from "../../core/admission/context.ts";
import { featureGates } from "../../core/admission/feature-gates.ts";
import { admitLocalDelete, admitLocalPod, admitLocalRestart, type NamedPod } from "../../core/admission/local.ts";
import type { NodeFacts } from "../../core/admission/node-facts.ts";
import { isDiskFull } from "../../core/base/store-failure.ts";
import type { Verdict, Violation, Warning } from "../../core/base/violation.ts";
import type { DeviceOrigin, PodId } from "../../core/pod/spec.ts";
import { contentHash } from "../../core/protocol/content-hash.ts";
import type { Random } from "../../ports/random.ts";
import { momentOf } from "../loop/moment.ts";
import { endsProcess, recordFailure } from "../loop/supervise.ts";
import { apply } from "../messages/apply.ts";
import type { IntakeParts } from "../messages/intake.ts";
import { nodeNow } from "../messages/node-now.ts";
import { forgetRefusal } from "../messages/refusals.ts";

type SharedWithIntake =
  | "store"
  | "device"
  | "podFiles"
  | "clock"
  | "log"
  | "events"
  | "policy"
  | "protectedPaths"
  | "nodeName"
  | "wakePod"
  | "lastListed";

export interface PodChangesParts extends Pick<IntakeParts, SharedWithIntake> {
  readonly random: Random;
  /** Statuses have changed. */
  readonly onStatusChanged: () => void;
}

/** Who asks for a change, and how it is called in events: `edge apply`, `file web.yaml`. */
export interface ChangeRequest {
  readonly origin: DeviceOrigin;
  readonly isForced: boolean;
  readonly request: string;
}

/** What has come of a request; `message` is one sentence. */
export type Changed =
  | { readonly ok: true; readonly id: PodId | null; readonly message: string; readonly warnings: readonly Warning[] }
  | {
      readonly ok: false;
      readonly code: ChangeError;
      readonly violations: readonly Violation[];
      readonly warnings: readonly Warning[];
    };

/** refused: by the rules; diskFull: nothing can be stored; internal: a bug, which the log tells of. */
export type ChangeError = "refused" | "diskFull" | "internal";

/** Changes of what is wanted that were asked for on the device itself. Each is on disk when it returns, or not done. */
export interface PodChanges {
  /** @param facts what is known of the device for this verdict, if not what is now */
  applyPod(content: unknown, request: ChangeRequest, facts?: NodeFacts): Changed;
  deletePod(asked: NamedPod & { readonly graceSeconds: number | null }, request: ChangeRequest): Changed;
  restartPod(asked: NamedPod, request: ChangeRequest): Changed;
  /** What admission knows of this device now. */
  facts(): NodeFacts;
}

export function createPodChanges(parts: PodChangesParts): PodChanges {
  const facts = (): NodeFacts =>
    nodeNow({ store: parts.store, facts: parts.device.nodeFacts(), listed: parts.lastListed() });

  function change(
    content: unknown,
    request: ChangeRequest,
    judge: (context: AdmissionContext) => Verdict<Admitted>,
    known?: NodeFacts,
  ): Changed {
    const { origin, isForced } = request;
    try {
      const newUid = origin.kind === "local" ? { newUid: parts.random.uuid() } : {};
      const verdict = judge(contextOf(parts, { origin, isForced, ...newUid }, known ?? facts()));
      const { warnings } = verdict;
      if (!verdict.accepted) return { ok: false, code: "refused", violations: verdict.violations, warnings };
      return commit(parts, content, request, verdict);
    } catch (error) {
      if (endsProcess(error)) throw error;
      recordFailure(parts, { what: request.request, pod: "", error });
      return isDiskFull(error) ? failed("diskFull", diskFull) : failed("internal", internal);
    }
  }

  return {
    facts,
    applyPod: (content, request, known) =>
      change(content, request, (context) => admitLocalPod(content, context), known),
    deletePod: (asked, request) => change(asked, request, (context) => admitLocalDelete(asked, context)),
    restartPod: (asked, request) => change(asked, request, (context) => admitLocalRestart(asked, context)),
  };
}

const diskFull = "The device's disk is full, so nothing can be stored. Free space on it and try again.";
const internal = "The agent failed on this because of a bug. Its log has the details.";

function failed(code: ChangeError, message: string): Changed {
  return { ok: false, code, violations: [{ path: "", rule: code, message, value: null }], warnings: [] };
}

function contextOf(parts: PodChangesParts, asker: Asker, node: NodeFacts): AdmissionContext {
  const { nodeName } = parts;
  return { policy: parts.policy(), node, featureGates, nodeName, protectedPaths: parts.protectedPaths(), asker };
}

function commit(
  parts: PodChangesParts,
  content: unknown,
  { request }: ChangeRequest,
  verdict: Extract<Verdict<Admitted>, { accepted: true }>,
): Changed {
  const { store, device, podFiles, clock } = parts;
  const context = { store, device, podFiles, now: momentOf(clock), request, contentHash: contentHash(content) };
  const applied = store.transaction("full", () => {
    const outcome = apply(context, verdict.value);
    // What changes nothing is no event: a file is judged at every start.
    if (!outcome.ok || outcome.wake === null) return outcome;
    const message = `${outcome.summary} (${request})`;
    parts.events.recordPodEvent(outcome.wake, { type: "Normal", reason: "RequestAccepted", message });
    forgetRefusal(parts, outcome.wake);
    return outcome;
  });
  const { value, warnings } = verdict;
  if (!applied.ok) return { ok: false, code: "refused", violations: applied.violations, warnings };
  for (const key of [applied.wake, ...(applied.alsoWake ?? [])]) if (key !== null) parts.wakePod(key);
  if (applied.wake !== null) parts.onStatusChanged();
  return { ok: true, id: value.kind === "pod-update" ? value.pod.id : null, message: applied.summary, warnings };
}
