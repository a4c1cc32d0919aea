// agent/messages: messages of the center into the store.

import { admitMessage } from "../../core/admission/admit.ts";
import { defaultNamespace } from "../../core/admission/capacity.ts";
import type { AdmissionContext } from "../../core/admission/context.ts";
import { featureGates } from "../../core/admission/feature-gates.ts";
import type { Policy } from "../../core/admission/policy.ts";
import { isObject } from "../../core/base/json-keys.ts";
import { shorten } from "../../core/base/shorten.ts";
import { isDiskFull } from "../../core/base/store-failure.ts";
import type { Violation } from "../../core/base/violation.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import { podKey } from "../../core/pod/spec.ts";
import { contentHash } from "../../core/protocol/content-hash.ts";
import { decodeMessage, type Message } from "../../core/protocol/message.ts";
import { errorReply, okReply, type Request, restartFailedReply } from "../../core/protocol/replies.ts";
import { classify, podNameOf } from "../../core/protocol/routes.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { NodeDevice } from "../../ports/node-device.ts";
import type { PodFiles } from "../../ports/pod-files.ts";
import type { Random } from "../../ports/random.ts";
import type { RepeatKey, Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { messageIds } from "../loop/message-ids.ts";
import { momentOf } from "../loop/moment.ts";
import { endsProcess, recordFailure } from "../loop/supervise.ts";
import type { Applied } from "./applied.ts";
import { apply } from "./apply.ts";
import { nodeNow } from "./node-now.ts";
import { forgetRefusal, type Refusal, recordRefusals } from "./refusals.ts";

export interface IntakeParts {
  readonly store: Store;
  readonly device: NodeDevice;
  readonly podFiles: PodFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly policy: () => Policy;
  readonly protectedPaths: () => readonly string[];
  readonly nodeName: string;
  /** Says a reply that is not stored: a refusal, or the repeat of a reply. */
  readonly sendNow: (text: string) => void;
  /** Replies are on disk: send what is in the outbox. */
  readonly onOutboxChanged: () => void;
  readonly wakePod: (key: string) => void;
  /** Containers of pods as the engine last listed them; null while it has not. */
  readonly lastListed: () => readonly ObservedContainer[] | null;
}

export interface Intake {
  receive(text: string): void;
  /** True while so much waits for its commit that reading should pause (lifecycle.md, Reports and outbox). */
  full(): boolean;
  /** Handles all that waits: one commit for all of it, then the replies, then the wakes. Synchronous: order in is order on disk. */
  flush(): void;
}

type DeviceFacts = ReturnType<NodeDevice["nodeFacts"]>;

/** Of the sentence about an accepted message: its id follows. */
const maxWords = 900;
const maxWaiting = 64;
const maxWaitingBytes = 4 * 1024 * 1024;

/** What is to be done about one message after the commit. */
interface Handled {
  readonly reply: string | null;
  readonly wakes: readonly string[];
  readonly refused: Refusal | null;
}

export function createIntake(parts: IntakeParts): Intake {
  const waiting: string[] = [];
  let waitingBytes = 0;

  return {
    receive(text) {
      waiting.push(text);
      waitingBytes += text.length;
    },
    full: () => waiting.length > maxWaiting || waitingBytes > maxWaitingBytes,
    flush() {
      const texts = waiting.splice(0);
      waitingBytes = 0;
      if (texts.length === 0) return;
      // Facts are read once a batch: a flood must not make the device read /proc for every message.
      const handled = handleAll(parts, texts);
      const refused = handled.map((result) => result.refused).filter((refusal) => refusal !== null);
      if (refused.length > 0) recordRefusals(parts, refused);
      for (const { reply } of handled) if (reply !== null) parts.sendNow(reply);
      parts.onOutboxChanged();
      for (const key of handled.flatMap((result) => result.wakes)) parts.wakePod(key);
    },
  };
}

/**
 * One commit for all messages. If it fails, each message gets one of its own, so that a message which cannot be handled
 * does not take the others with it.
 */
function handleAll(parts: IntakeParts, texts: readonly string[]): readonly Handled[] {
  try {
    return commit(parts, texts);
  } catch (error) {
    if (endsProcess(error)) throw error;
    return texts.map((text) => handleAlone(parts, text));
  }
}

function commit(parts: IntakeParts, texts: readonly string[]): readonly Handled[] {
  const facts = parts.device.nodeFacts();
  return parts.store.transaction("full", () => texts.map((text) => handle(parts, text, facts)));
}

function handleAlone(parts: IntakeParts, text: string): Handled {
  try {
    return commit(parts, [text])[0] ?? { reply: null, wakes: [], refused: null };
  } catch (error) {
    if (endsProcess(error)) throw error;
    const isFull = isDiskFull(error);
    if (!isFull) recordFailure(parts, { what: "A message", pod: "", error });
    const decoded = decodeMessage(text);
    const why = isFull ? diskFull : internalError;
    if (decoded.ok) return refuse(parts, decoded.message, [why]);
    return { reply: null, wakes: [], refused: { pod: null, isUpdate: false, subject: "", reasons: [why.message] } };
  }
}

const diskFull: Violation = {
  path: "",
  rule: "disk",
  message: "The device's disk is full, so the message cannot be stored. Free space on the device and send it again.",
  value: null,
};

const internalError: Violation = {
  path: "",
  rule: "internalError",
  message: "The agent failed on this message because of a bug. Its log on the device has the details.",
  value: null,
};

function handle(parts: IntakeParts, text: string, facts: DeviceFacts): Handled {
  const decoded = decodeMessage(text);
  if (!decoded.ok) {
    const { messageId, route, reason } = decoded;
    const request = {
      header: { msg_id: messageId ?? "" },
      route: route ?? { source: "", group: "", operation: "", resource: "" },
    };
    // No reply without a usable msg_id (decisions.md 33: there is nothing to answer to).
    const reply = messageId === null ? null : errorReply(request, reason, messageIds(parts));
    return {
      reply,
      wakes: [],
      refused: { pod: null, isUpdate: false, subject: "A message could not be read: ", reasons: [reason] },
    };
  }
  const { message } = decoded;
  const key = repeatKey(message);
  const repeated = parts.store.replies.repeated(key);
  if (repeated !== null) return { reply: repeated === noReply ? null : repeated, wakes: [], refused: null };
  const verdict = admitMessage(message, admissionContext(parts, facts));
  if (!verdict.accepted) return refuse(parts, message, verdict.violations);
  const now = momentOf(parts.clock);
  const { store, device, podFiles } = parts;
  const messageId = message.header.msg_id;
  // pods_data is answered by what comes of it (protocol.md §1.1).
  const reply = verdict.value.kind === "pods-data" ? noReply : okReply(message, messageIds(parts));
  // The reply takes its place first: what cannot be answered is not done.
  const place = reply === noReply ? 0 : store.outbox.append("reply", reply);
  if (place === null) return refuse(parts, message, [noRoom]);
  const context = { store, device, podFiles, now, request: `message ${messageId}`, contentHash: key.contentHash };
  const applied = apply(context, verdict.value);
  if (!applied.ok) {
    store.outbox.release([place]);
    return refuse(parts, message, applied.violations);
  }
  store.replies.remember(key, reply);
  const warnings = verdict.warnings.map((warning) => `${warning.path}: ${warning.message}`).join("; ");
  const words = shorten(`${applied.summary}${warnings === "" ? "" : `; ${warnings}`}`, maxWords);
  const pod = applied.wake ?? applied.about ?? null;
  parts.events.recordPodEvent(pod ?? "", {
    type: "Normal",
    reason: "MessageAccepted",
    message: `${words} (message ${messageId})`,
  });
  if (pod !== null) forgetRefusal(parts, pod);
  return { reply: null, wakes: wakesOf(applied), refused: null };
}

/** Stands in the ledger of repeats for a message that no reply belongs to. */
const noReply = "";

function wakesOf({ wake, alsoWake = [] }: Extract<Applied, { ok: true }>): readonly string[] {
  return wake === null ? alsoWake : [wake, ...alsoWake];
}

const noRoom: Violation = {
  path: "",
  rule: "outbox",
  message:
    "The outbox of this device is full of replies that the center has not received yet. Receive them and send the message again.",
  value: null,
};

function repeatKey(message: Message): RepeatKey {
  const { operation, resource } = message.route;
  return { messageId: message.header.msg_id, operation, resource, contentHash: contentHash(message.content) };
}

function refuse(parts: IntakeParts, message: Message, violations: readonly Violation[]): Handled {
  const restart = classify(message);
  const answer = restart.ok && restart.kind === "pod-restart" ? restartFailedReply : errorReply;
  const request: Request = message;
  const { operation, resource } = message.route;
  const pod = podKeyOf(parts, message);
  const isUpdate = operation === "update";
  const subject = pod === null ? `${operation} ${resource}: ` : isUpdate ? "" : `${operation}: `;
  const refused = { pod, isUpdate, subject, reasons: violations.map(({ message: reason }) => reason) };
  return { reply: answer(request, violations, messageIds(parts)), wakes: [], refused };
}

/** The pod that a refused message names: in its own namespace, else in that of the pod of this name here. */
function podKeyOf({ store }: IntakeParts, { route, content }: Message): string | null {
  const name = podNameOf(route);
  if (name === null) return null;
  const metadata: unknown = isObject(content) ? Reflect.get(content, "metadata") : undefined;
  const named: unknown = isObject(metadata) ? Reflect.get(metadata, "namespace") : undefined;
  if (typeof named === "string" && /^[a-z0-9-]{1,63}$/.test(named)) return podKey({ namespace: named, name });
  const known = store.desiredPods.list().find(({ pod }) => pod.id.name === name);
  return podKey({ namespace: known?.pod.id.namespace ?? defaultNamespace, name });
}

function admissionContext(parts: IntakeParts, facts: DeviceFacts): AdmissionContext {
  return {
    policy: parts.policy(),
    node: nodeNow({ store: parts.store, facts, listed: parts.lastListed() }),
    featureGates,
    nodeName: parts.nodeName,
    protectedPaths: parts.protectedPaths(),
  };
}
