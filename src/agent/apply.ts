import type { Admitted } from "../core/admission/context.ts";
import type { Violation } from "../core/admission/verdict.ts";
import type { DesiredPod, LeavingPod } from "../core/pod/desired.ts";
import type { Moment } from "../core/pod/history.ts";
import { type AcceptedPod, podKey } from "../core/pod/spec.ts";
import { podStatus } from "../core/pod/status.ts";
import { formatTime } from "../core/pod/time.ts";
import { versionOrder } from "../core/protocol/version-order.ts";
import type { Device } from "../ports/device.ts";
import type { Store } from "../ports/store.ts";

/** What an accepted message did to the desired state. */
export type Applied =
  | { readonly ok: true; readonly wake: string | null; readonly said: string }
  | { readonly ok: false; readonly violations: readonly Violation[] };

export interface ApplyContext {
  readonly store: Store;
  readonly device: Device;
  readonly now: Moment;
  readonly messageId: string;
  readonly contentHash: string;
}

/** A device with less free space than this takes on nothing new: decisions.md 22. */
const leastFreeBytes = 50 * 1024 * 1024;

/** Changes the desired state as an accepted message says. Stands in the caller's transaction; does no engine call. */
export function apply(context: ApplyContext, admitted: Admitted): Applied {
  switch (admitted.kind) {
    case "pod-update":
      return update(context, admitted.pod);
    case "graceful-delete":
      return gracefulDelete(context, admitted);
    case "pod-delete":
      return remove(context, admitted);
    case "pod-restart":
      return restart(context, admitted);
    case "configmap-update":
    case "configmap-delete":
    case "secret-update":
    case "pods-data":
    case "container-info":
    case "modelfiles":
    case "npu-sharing":
      return refuse(
        "",
        "carriedOut",
        `Messages of kind ${admitted.kind} are not carried out by this version yet`,
        admitted.kind,
      );
    default:
      return admitted satisfies never;
  }
}

function refuse(path: string, rule: string, message: string, value: unknown): Applied {
  return { ok: false, violations: [{ path, rule, message, value }] };
}

function update(context: ApplyContext, pod: AcceptedPod): Applied {
  const { store, now } = context;
  const { namespace, name, uid } = pod.id;
  const existing = store.desiredPod(namespace, name);
  const stale = staleness(store, existing, pod);
  if (stale !== null) return refuse("metadata.resourceVersion", "stale", stale, pod.metadata.resourceVersion);
  if (context.device.freeBytes() < leastFreeBytes) {
    return refuse(
      "",
      "disk",
      `Less than ${leastFreeBytes / 1024 / 1024} MB are free on this device, so the pod cannot be stored`,
      null,
    );
  }
  if (existing?.pod.id.uid === uid && existing.contentHash === context.contentHash) {
    return { ok: true, wake: null, said: `Pod ${name} is the same as before` };
  }
  if (existing !== null && existing.pod.id.uid !== uid) supersede(context, existing);
  const again = store.leavingPods().filter((one) => one.id.uid === uid);
  for (const one of again.filter((leaving) => leaving.gone)) {
    store.deleteLeavingPod(one.seq);
    store.deleteStatus(uid);
  }
  const generation = Math.max(
    existing?.generation ?? 0,
    ...again.filter((one) => !one.gone).map((one) => one.generation + 1),
  );
  const acceptedAt = existing?.pod.id.uid === uid ? existing.acceptedAt : now;
  store.putDesiredPod({ pod, generation, acceptedAt, messageId: context.messageId, contentHash: context.contentHash });
  context.device.savePod(pod);
  if (store.status(uid) === null) putFirstStatus(context, pod);
  return { ok: true, wake: podKey(pod.id), said: existing === null ? `Pod ${name} is new` : `Pod ${name} has changed` };
}

/** A pod is reported from the moment it was accepted: Pending, ContainerCreating. */
function putFirstStatus({ store, device, now }: ApplyContext, pod: AcceptedPod): void {
  const facts = {
    history: {},
    observed: [],
    waiting: {},
    probes: {},
    leaving: "no",
    previous: null,
    hostIp: device.hostIp(),
  } as const;
  store.putStatus(pod.id, podStatus({ ...facts, pod, acceptedAtWall: now.wall, nowWall: now.wall }));
}

/**
 * The words for an update that would bring back what was deleted, null when it would not (lifecycle.md, Delete). That it
 * is not older than what is stored, admission has seen to.
 */
function staleness(store: Store, existing: DesiredPod | null, pod: AcceptedPod): string | null {
  if (existing?.pod.id.uid === pod.id.uid) return null;
  const sent = pod.metadata.resourceVersion;
  const deleted = store.deletedVersion(pod.id.uid);
  if (deleted === null || versionOrder(sent, deleted) === "newer") return null;
  return `metadata.uid ${pod.id.uid} was deleted at resourceVersion ${deleted || "(none)"}; only a newer one brings it back`;
}

function supersede(context: ApplyContext, existing: DesiredPod): void {
  putLeaving(
    context,
    existing,
    "superseded",
    existing.pod.spec.terminationGracePeriodSeconds,
    formatTime(context.now.wall),
  );
}

function putLeaving(
  { store, device, now, messageId }: ApplyContext,
  existing: DesiredPod,
  kind: LeavingPod["kind"],
  graceSeconds: number,
  deletionTimestamp: string,
): void {
  const { pod, generation, acceptedAt } = existing;
  const row = {
    seq: 0,
    kind,
    id: pod.id,
    pod,
    generation,
    graceSeconds,
    since: now,
    acceptedAt,
    deletionTimestamp,
    messageId,
    gone: false,
  };
  store.putLeavingPod(row);
  store.rememberDeleted(pod.id.uid, pod.metadata.resourceVersion ?? "");
  device.forgetPod(pod.id.uid);
}

/** Takes a desired pod out: it, and an older one of its name that still waits for it, leave. */
function leave(context: ApplyContext, existing: DesiredPod, graceSeconds: number, deletionTimestamp: string): void {
  const { namespace, name } = existing.pod.id;
  context.store.deleteDesiredPod(namespace, name);
  putLeaving(context, existing, "deleted", graceSeconds, deletionTimestamp);
  for (const one of context.store.leavingPods()) {
    if (one.kind !== "superseded" || one.gone || podKey(one.id) !== podKey(existing.pod.id)) continue;
    context.store.putLeavingPod({ ...one, kind: "deleted", since: context.now, messageId: context.messageId });
  }
}

function gracefulDelete(context: ApplyContext, asked: Extract<Admitted, { kind: "graceful-delete" }>): Applied {
  const { namespace, name, uid } = asked.id;
  const existing = context.store.desiredPod(namespace, name);
  if (existing === null || existing.pod.id.uid !== uid) return removeUnknown(context, namespace, name, uid);
  leave(context, existing, asked.graceSeconds, asked.deletionTimestamp);
  return { ok: true, wake: podKey(asked.id), said: `Pod ${name} is deleted within ${asked.graceSeconds} s` };
}

function remove(context: ApplyContext, asked: Extract<Admitted, { kind: "pod-delete" }>): Applied {
  const { namespace, name, uid } = asked;
  const existing = context.store.desiredPod(namespace, name);
  // A delete that names another uid is one for a pod that was here before: it must not take the present one with it.
  if (existing === null || (uid !== undefined && uid !== "" && uid !== existing.pod.id.uid)) {
    return removeUnknown(context, namespace, name, uid ?? "");
  }
  leave(context, existing, existing.pod.spec.terminationGracePeriodSeconds, formatTime(context.now.wall));
  return { ok: true, wake: podKey(asked), said: `Pod ${name} is deleted` };
}

/** decisions.md 25: answered with OK; what still bears its name goes, and a grace period under way is not cut short. */
function removeUnknown(context: ApplyContext, namespace: string, name: string, uid: string): Applied {
  const { store, now, messageId } = context;
  const key = podKey({ namespace, name });
  const same = store
    .leavingPods()
    .filter((one) => !one.gone && podKey(one.id) === key && (uid === "" || one.id.uid === uid));
  for (const one of same) {
    if (one.kind === "superseded") store.putLeavingPod({ ...one, kind: "deleted", since: now, messageId });
  }
  if (same.length === 0) {
    const rest = {
      kind: "deleted",
      pod: null,
      generation: 0,
      graceSeconds: 30,
      since: now,
      acceptedAt: now,
      gone: false,
    } as const;
    store.putLeavingPod({
      seq: 0,
      ...rest,
      id: { namespace, name, uid: "" },
      deletionTimestamp: formatTime(now.wall),
      messageId,
    });
  }
  return {
    ok: true,
    wake: key,
    said: same.length === 0 ? `Pod ${name} is not known here` : `Pod ${name} is being deleted already`,
  };
}

function restart(context: ApplyContext, asked: Extract<Admitted, { kind: "pod-restart" }>): Applied {
  const existing = context.store.desiredPod(asked.namespace, asked.name);
  if (existing === null)
    return refuse("route.resource", "restartUnknown", `Pod ${asked.name} is not known on this device`, asked.name);
  if (existing.pod.spec.restartPolicy === "Never") {
    return refuse(
      "spec.restartPolicy",
      "restartNever",
      `Pod ${asked.name} has the restart policy Never, so it is not restarted`,
      "Never",
    );
  }
  context.store.putDesiredPod({ ...existing, generation: existing.generation + 1, messageId: context.messageId });
  return { ok: true, wake: podKey(asked), said: `Pod ${asked.name} is restarted` };
}
