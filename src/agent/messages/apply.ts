import type { Admitted } from "../../core/admission/context.ts";
import type { DesiredPod, TerminatingPod } from "../../core/pod/desired.ts";
import { creating } from "../../core/pod/image-plan.ts";
import { stillTerminating } from "../../core/pod/known-pods.ts";
import { type AcceptedPod, podKey } from "../../core/pod/spec.ts";
import { podStatus } from "../../core/pod/status.ts";
import { waitsForFormer } from "../../core/pod/terminating-plan.ts";
import { formatTime } from "../../core/pod/time.ts";
import { hasBegun } from "../../core/pod/version-before.ts";
import { versionOrder } from "../../core/protocol/version-order.ts";
import type { Store } from "../../ports/store.ts";
import { type Applied, type ApplyContext, noSpace, refuse } from "./applied.ts";
import { deleteConfigMap, updateConfigMap, updateSecret } from "./apply-contents.ts";
import { startPodsData } from "./pods-data.ts";

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
      return updateConfigMap(context, admitted);
    case "configmap-delete":
      return deleteConfigMap(context, admitted.name);
    case "secret-update":
      return updateSecret(context, admitted);
    case "pods-data":
      return removeEverything(context);
    case "container-info":
    case "modelfiles":
    case "npu-sharing":
      return refuse(
        "",
        "carriedOut",
        `Messages of kind ${admitted.kind} are not supported by this version`,
        admitted.kind,
      );
    default:
      return admitted satisfies never;
  }
}

function update(context: ApplyContext, pod: AcceptedPod): Applied {
  const { store, now } = context;
  const { namespace, name, uid } = pod.id;
  const existing = store.desiredPods.get(namespace, name);
  const stale = staleness(store, existing, pod);
  if (stale !== null) return refuse("metadata.resourceVersion", "stale", stale, pod.metadata.resourceVersion);
  const full = noSpace(context, "the pod");
  if (full !== null) return full;
  const isSameOwner = JSON.stringify(existing?.pod.origin) === JSON.stringify(pod.origin);
  if (existing?.pod.id.uid === uid && existing.contentHash === context.contentHash && isSameOwner) {
    return { ok: true, wake: null, about: podKey(pod.id), summary: `Pod ${name} is the same as before` };
  }
  if (existing?.pod.id.uid !== uid) {
    const crowded = tooManyTerminating(store);
    if (crowded !== null) return crowded;
  }
  if (existing !== null && existing.pod.id.uid !== uid) replacePod(context, existing);
  const again = store.terminatingPods.list().filter((terminating) => terminating.id.uid === uid);
  for (const terminating of again.filter((terminating) => terminating.isTerminated)) {
    store.terminatingPods.delete(terminating.seq);
    store.statuses.delete(uid);
  }
  const generation = Math.max(
    existing?.generation ?? 0,
    ...again.filter((terminating) => !terminating.isTerminated).map((terminating) => terminating.generation + 1),
  );
  const acceptedAt = existing?.pod.id.uid === uid ? existing.acceptedAt : now;
  const desired = { pod, generation, acceptedAt, request: context.request, contentHash: context.contentHash };
  const isPassedOver = existing?.pod.id.uid === uid && !hasBegun(existing, store.histories.get(uid));
  if (isPassedOver) store.desiredPods.put(desired, "keepPrevious");
  else store.desiredPods.put(desired);
  context.podFiles.savePod(pod);
  if (store.statuses.get(uid) === null) putFirstStatus(context, pod);
  return {
    ok: true,
    wake: podKey(pod.id),
    summary: existing === null ? `Pod ${name} is new` : `Pod ${name} has changed`,
  };
}

/** Pods on their way out, at most; and how long their text may be together. A delete adds to them and is never refused for it. */
const mostTerminating = 64;
const mostTerminatingBytes = 2 * 1024 * 1024;

/** Each of them is kept until its containers are gone and the center has its last status. */
function tooManyTerminating(store: Store): Applied | null {
  const pods = store.terminatingPods.list();
  let bytes = 0;
  for (const { pod } of pods) bytes += pod === null ? 0 : JSON.stringify(pod).length;
  if (pods.length < mostTerminating && bytes < mostTerminatingBytes) return null;
  const message = `${pods.length} pods are still being deleted on this device (at most ${mostTerminating}, ${mostTerminatingBytes / 1024 / 1024} MiB together). Send the pod again afterwards.`;
  return refuse("metadata.uid", "capacity.terminatingPods", message, pods.length);
}

/** A pod is reported from the moment it was accepted: Pending, ContainerCreating. Its worker may be busy with the stop of a former pod. */
function putFirstStatus({ store, device, now }: ApplyContext, pod: AcceptedPod): void {
  const former = stillTerminating(store.terminatingPods.list()).find(
    ({ kind, id }) => kind === "deleted" && podKey(id) === podKey(pod.id),
  );
  const waits = former === undefined ? null : { ...creating, message: waitsForFormer(former) };
  const facts = {
    history: {},
    observed: [],
    waiting: waits === null ? {} : Object.fromEntries(pod.spec.containers.map(({ name }) => [name, waits])),
    probes: {},
    termination: "none",
    previous: null,
    hostIp: device.hostIp(),
  } as const;
  store.statuses.put(pod.id, podStatus({ ...facts, pod, acceptedAtWall: now.wall, nowWall: now.wall }));
}

/**
 * The words for an update that would bring back what was deleted, null when it would not (lifecycle.md, Delete). That it
 * is not older than what is stored, admission has seen to.
 */
function staleness(store: Store, existing: DesiredPod | null, pod: AcceptedPod): string | null {
  if (existing?.pod.id.uid === pod.id.uid || pod.origin !== undefined) return null;
  const sent = pod.metadata.resourceVersion;
  const deleted = store.deletedPods.version(pod.id.uid);
  if (deleted === null || versionOrder(sent, deleted) === "newer") return null;
  return `metadata.uid ${pod.id.uid} was deleted at resourceVersion ${deleted || "(none)"}; send a newer resourceVersion to create it again`;
}

function replacePod(context: ApplyContext, existing: DesiredPod): void {
  putTerminating(
    context,
    existing,
    "replaced",
    existing.pod.spec.terminationGracePeriodSeconds,
    formatTime(context.now.wall),
  );
}

function putTerminating(
  { store, podFiles, now, request }: ApplyContext,
  existing: DesiredPod,
  kind: TerminatingPod["kind"],
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
    request,
    isTerminated: false,
  };
  store.terminatingPods.put(row);
  // Only the center repeats messages of its own.
  if (pod.origin === undefined) store.deletedPods.remember(pod.id.uid, pod.metadata.resourceVersion ?? "");
  podFiles.forgetPod(pod.id.uid);
}

/** Takes a desired pod out: it, and an older one of its name that still waits for it, leave. */
function terminate(context: ApplyContext, existing: DesiredPod, graceSeconds: number, deletionTimestamp: string): void {
  const { namespace, name } = existing.pod.id;
  context.store.desiredPods.delete(namespace, name);
  putTerminating(context, existing, "deleted", graceSeconds, deletionTimestamp);
  for (const terminating of context.store.terminatingPods.list()) {
    if (
      terminating.kind !== "replaced" ||
      terminating.isTerminated ||
      podKey(terminating.id) !== podKey(existing.pod.id)
    )
      continue;
    context.store.terminatingPods.put({
      ...terminating,
      kind: "deleted",
      since: context.now,
      request: context.request,
    });
  }
}

function gracefulDelete(context: ApplyContext, asked: Extract<Admitted, { kind: "graceful-delete" }>): Applied {
  const { namespace, name, uid } = asked.id;
  const existing = context.store.desiredPods.get(namespace, name);
  if (existing === null || existing.pod.id.uid !== uid) return removeUnknown(context, namespace, name, uid);
  terminate(context, existing, asked.graceSeconds, asked.deletionTimestamp);
  return {
    ok: true,
    wake: podKey(asked.id),
    summary: `Pod ${name} is being deleted and ends within ${asked.graceSeconds} s`,
  };
}

function remove(context: ApplyContext, asked: Extract<Admitted, { kind: "pod-delete" }>): Applied {
  const { namespace, name, uid } = asked;
  const existing = context.store.desiredPods.get(namespace, name);
  // A delete that names another uid is one for a pod that was here before: it must not take the present one with it.
  if (existing === null || (uid !== undefined && uid !== "" && uid !== existing.pod.id.uid)) {
    return removeUnknown(context, namespace, name, uid ?? "");
  }
  const graceSeconds = asked.graceSeconds ?? existing.pod.spec.terminationGracePeriodSeconds;
  terminate(context, existing, graceSeconds, formatTime(context.now.wall));
  return { ok: true, wake: podKey(asked), summary: `Pod ${name} is being deleted and ends within ${graceSeconds} s` };
}

/**
 * The delete of an unknown pod is answered with OK (decisions.md 25: the center only wants the pod gone). A remaining pod
 * of its name is deleted, and a grace period under way is not cut short.
 */
function removeUnknown(context: ApplyContext, namespace: string, name: string, uid: string): Applied {
  const { store, now, request } = context;
  const key = podKey({ namespace, name });
  const same = store.terminatingPods
    .list()
    .filter(
      (terminating) =>
        !terminating.isTerminated &&
        podKey(terminating.id) === key &&
        (uid === "" || terminating.pod === null || terminating.id.uid === uid),
    );
  for (const terminating of same) {
    if (terminating.kind === "replaced")
      store.terminatingPods.put({ ...terminating, kind: "deleted", since: now, request });
  }
  if (same.length === 0) {
    if (isCrowdedWithUnknown(store)) return unknownRefused(name);
    const rest = {
      kind: "deleted",
      pod: null,
      generation: 0,
      graceSeconds: 30,
      since: now,
      acceptedAt: now,
      isTerminated: false,
    } as const;
    store.terminatingPods.put({
      seq: 0,
      ...rest,
      id: { namespace, name, uid: "" },
      deletionTimestamp: formatTime(now.wall),
      request,
    });
  }
  return {
    ok: true,
    wake: key,
    summary: same.length === 0 ? `There is no pod ${name} on this device` : `Pod ${name} is being deleted already`,
  };
}

/** Deletes of pods that are not known here, at most, that wait for a look at the engine. */
const mostUnknownDeletes = 256;

function isCrowdedWithUnknown(store: Store): boolean {
  return store.terminatingPods.list().filter(({ pod }) => pod === null).length >= mostUnknownDeletes;
}

function unknownRefused(name: string): Applied {
  const message = `${mostUnknownDeletes} deletes of unknown pods are still in progress on this device. Send this one again when they are done.`;
  return refuse("metadata.name", "capacity.unknownDeletes", message, name);
}

/** Admission has refused a restart of an unknown pod, and of one whose restart policy is Never. */
function restart(context: ApplyContext, asked: Extract<Admitted, { kind: "pod-restart" }>): Applied {
  const existing = context.store.desiredPods.get(asked.namespace, asked.name);
  if (existing === null) throw new Error(`Admission accepted a restart of ${podKey(asked)}, which is unknown`);
  context.store.desiredPods.put({ ...existing, generation: existing.generation + 1, request: context.request });
  return { ok: true, wake: podKey(asked), summary: `Pod ${asked.name} is restarted` };
}

/**
 * pods_data: from this commit on nothing but factory pods is wanted any more. Config maps and secrets go with it; the pods take their
 * time, and pods-data.ts tells the center when they are gone.
 */
function removeEverything(context: ApplyContext): Applied {
  const { store, now } = context;
  const pods = store.desiredPods.list().filter(({ pod }) => pod.origin?.kind !== "factory");
  for (const desired of pods)
    terminate(context, desired, desired.pod.spec.terminationGracePeriodSeconds, formatTime(now.wall));
  for (const name of store.configMaps.names()) store.configMaps.delete(name);
  for (const name of store.credentials.names()) store.credentials.delete(name);
  const keys = [
    ...pods.map((desired) => desired.pod.id),
    ...store.terminatingPods.list().map((terminating) => terminating.id),
  ].map(podKey);
  startPodsData(store, context.request, now);
  return { ok: true, wake: null, alsoWake: [...new Set(keys)], summary: "All pods except factory pods are deleted" };
}
