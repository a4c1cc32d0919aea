import type { Policy } from "../../core/admission/policy.ts";
import { policyViolations } from "../../core/admission/policy-violations.ts";
import { ownValue } from "../../core/base/own-value.ts";
import { shorten } from "../../core/base/shorten.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import { podKey } from "../../core/pod/spec.ts";
import { hashesOf } from "../../core/pod/wanted.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CreateRequest, Engine, EngineResult, ImageInfo } from "../../ports/engine.ts";
import type { NodeDevice } from "../../ports/node-device.ts";
import type { PodFiles } from "../../ports/pod-files.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { withDeadline } from "../loop/deadline.ts";
import { type Audits, createAudits } from "./audits.ts";
import { createRequest } from "./create-request.ts";
import { hasMountedVolume, mountsOf } from "./mount-check.ts";

export interface DriftParts {
  readonly engine: Engine;
  readonly device: NodeDevice;
  readonly podFiles: PodFiles;
  readonly store: Store;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly policy: () => Policy;
  readonly protectedPaths: () => readonly string[];
  /** There is something else to show now. */
  readonly onDriftChanged: () => void;
  /** A container of this pod is to be restarted. */
  readonly wakePod: (key: string) => void;
}

export interface Drift {
  /**
   * Compares what runs with what was admitted, and with what the owner allows today. Tells, and stops nothing itself. The
   * engine is asked about a container at its first look, after `doubt`, and in turns at every 20th look at the latest.
   */
  check(ours: readonly ObservedContainer[], signal: AbortSignal): Promise<void>;
  /** Somebody may have changed this container: the next look asks about it. */
  doubt(containerId: string): void;
  /** Why a container is to be restarted, by its id: something was mounted over a host path of it. */
  outdated(): ReadonlyMap<string, string>;
  /** One line a difference that is there now, for `edge status`. */
  notices(): readonly string[];
}

/** One difference; what is the same from one look to the next has the same key. */
interface Found {
  readonly key: string;
  readonly pod: string;
  readonly container: string;
  readonly message: string;
  /** The container that is to be restarted for it, by a rule (docs/lifecycle.md, Host paths). */
  readonly restarts?: string;
}

const deadlineMs = 30_000;
const mostNotices = 32;
const longestMessage = 512;

/** Somebody may change a container by hand, or the policy behind a pod's back: neither goes unnoticed for long. */
export function createDrift(parts: DriftParts): Drift {
  let known: ReadonlyMap<string, Found> = new Map();
  const audits = createAudits<readonly Found[]>();

  return {
    async check(ours, signal) {
      const next = new Map<string, Found>();
      const imageOf = onceEach((id) => withDeadline(parts.clock, deadlineMs, signal, (s) => parts.engine.image(id, s)));
      for (const desired of parts.store.desiredPods.list()) {
        for (const candidate of outgrown(parts, desired)) next.set(candidate.key, candidate);
        for (const container of ours.filter((each) => isCurrent(each, desired))) {
          const found = await changedByHand({ ...parts, imageOf, audits }, desired, container, signal);
          // What cannot be looked at now is as it was.
          const kept = found.ok ? found.value : [...known.values()].filter(({ key }) => key.startsWith(container.id));
          for (const candidate of kept) next.set(candidate.key, candidate);
        }
      }
      if (signal.aborted) return;
      audits.keep(new Set(ours.map(({ id }) => id)));
      const before = known;
      known = next;
      const added = [...next.values()].filter(({ key }) => !before.has(key));
      for (const drift of added) {
        recordDrift(parts, drift);
        if (drift.restarts !== undefined) parts.wakePod(drift.pod);
      }
      if (added.length > 0 || before.size !== next.size) parts.onDriftChanged();
    },
    doubt: audits.doubt,
    outdated: () =>
      new Map(
        [...known.values()].flatMap(({ restarts, message }) => (restarts === undefined ? [] : [[restarts, message]])),
      ),
    notices: () =>
      [...known.values()]
        .slice(0, mostNotices)
        .map(({ pod, container, message }) => `${pod}${container === "" ? "" : `/${container}`}: ${message}`),
  };
}

/** Runs, and is what is wanted: anything else is about to be replaced anyway. */
function isCurrent(container: ObservedContainer, desired: DesiredPod): boolean {
  if (container.state.kind !== "running" || container.pod.uid !== desired.pod.id.uid) return false;
  const spec = desired.pod.spec.containers.find(({ name }) => name === container.container);
  if (spec === undefined || container.generation < desired.generation) return false;
  const { podHash, specHash } = hashesOf(desired, spec);
  return container.podHash === podHash && container.specHash === specHash;
}

/** What the policy would refuse today. */
function outgrown(parts: DriftParts, { pod }: DesiredPod): readonly Found[] {
  const owner = { policy: parts.policy(), protectedPaths: parts.protectedPaths() };
  return policyViolations(pod, owner).map(({ rule, path, message }) => ({
    key: `${pod.id.uid} ${rule} ${path} ${message}`,
    pod: podKey(pod.id),
    container: "",
    message: shorten(`${message}; today's policy would reject it; the pod keeps running`, longestMessage - 1),
  }));
}

type ImageOf = (id: string) => Promise<EngineResult<ImageInfo>>;

/** An image is looked up once in a look, however many containers run it: what an id stands for never changes. */
function onceEach(lookUp: ImageOf): ImageOf {
  const known = new Map<string, Promise<EngineResult<ImageInfo>>>();
  return (id) => {
    const image = known.get(id) ?? lookUp(id);
    known.set(id, image);
    return image;
  };
}

interface ChangeParts extends DriftParts {
  readonly imageOf: ImageOf;
  readonly audits: Audits<readonly Found[]>;
}

async function changedByHand(
  parts: ChangeParts,
  desired: DesiredPod,
  container: ObservedContainer,
  signal: AbortSignal,
): Promise<EngineResult<readonly Found[]>> {
  // A host path may lead elsewhere at any time, and no event tells.
  const mounted = hasMountedVolume(desired, container.container) ? await requestNow(parts, desired, container) : null;
  if (mounted !== null && !mounted.ok) return mounted;
  const request = mounted?.value ?? null;
  const places =
    request === null || typeof request === "string" ? (request ?? "") : JSON.stringify(request.volumePaths);
  const known = parts.audits.next(container, places);
  const differences: EngineResult<readonly Found[]> =
    known === null
      ? await parts.audits.run(container, places, () => differencesNow(parts, desired, container, signal))
      : { ok: true, value: known };
  if (!differences.ok || request === null || typeof request === "string") return differences;
  const moved = movedHostPath(parts, { desired, container, request });
  return { ok: true, value: moved === null ? differences.value : [...differences.value, moved] };
}

async function differencesNow(
  parts: ChangeParts,
  desired: DesiredPod,
  container: ObservedContainer,
  signal: AbortSignal,
): Promise<EngineResult<readonly Found[]>> {
  const made = await requestNow(parts, desired, container);
  if (!made.ok) return made;
  const request = made.value;
  if (typeof request === "string")
    return { ok: true, value: [differenceOf(container, request, `It could not be created today: ${request}`)] };
  const { id } = container;
  const audit = await withDeadline(parts.clock, deadlineMs, signal, (s) => parts.engine.audit(id, request, s));
  if (!audit.ok) return audit;
  const found = audit.value.differences.map(({ field, found, expected }) =>
    differenceOf(container, `${field} ${found}`, `${field} is ${found}, the accepted pod has ${expected}`),
  );
  return { ok: true, value: found };
}

/** What the container would be made from today, or the sentence that says why it could not be. */
async function requestNow(
  parts: ChangeParts,
  desired: DesiredPod,
  { container, imageId, installId, attempt, sandboxId }: ObservedContainer,
): Promise<EngineResult<CreateRequest | string>> {
  const image = await parts.imageOf(imageId);
  if (!image.ok) return image;
  const images = new Map([[container, image.value]]);
  const making = { container, attempt, sandboxId: sandboxId ?? null };
  return { ok: true, value: await createRequest(parts, making, { installId, desired, images }) };
}

function differenceOf({ id, pod, container }: ObservedContainer, key: string, message: string): Found {
  return {
    key: `${id} ${key}`,
    pod: podKey(pod),
    container,
    message: shorten(`${message}; it keeps running`, longestMessage - 1),
  };
}

interface MountedContainer {
  readonly desired: DesiredPod;
  readonly container: ObservedContainer;
  readonly request: CreateRequest;
}

/** A host path that leads to another folder than the container sees. A job is never restarted for it. */
function movedHostPath({ podFiles }: DriftParts, { desired, container, request }: MountedContainer): Found | null {
  if (container.pid === undefined) return null;
  const seen = podFiles.mountedElsewhere(container.pid, mountsOf(request));
  if (seen.kind !== "elsewhere") return null;
  const [volume] = Object.entries(request.volumePaths).find(([, place]) => place === seen.source) ?? [];
  const path = (volume === undefined ? undefined : ownValue(request.hostPaths, volume)) ?? seen.source;
  if (!seen.isCovered)
    return differenceOf(container, "mount", `${path} is now another folder than ${seen.target} in the container`);
  const message = `Something was mounted over ${path}, and ${seen.target} shows the folder below it`;
  const found = differenceOf(container, "mount", message);
  if (desired.pod.spec.restartPolicy !== "Always") return found;
  return { ...found, message: `${message}; it is restarted`, restarts: container.id };
}

function recordDrift(parts: DriftParts, { pod, container, message }: Found): void {
  parts.events.recordPodEvent(pod, { type: "Warning", container, reason: "Drift", message });
}
