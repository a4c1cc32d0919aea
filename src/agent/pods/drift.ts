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
  /** Compares what runs with what was admitted, and with what the owner allows today. Tells, and stops nothing itself. */
  check(ours: readonly ObservedContainer[], signal: AbortSignal): Promise<void>;
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

  return {
    async check(ours, signal) {
      const next = new Map<string, Found>();
      const imageOf = onceEach((id) => withDeadline(parts.clock, deadlineMs, signal, (s) => parts.engine.image(id, s)));
      for (const desired of parts.store.desiredPods.list()) {
        for (const candidate of outgrown(parts, desired)) next.set(candidate.key, candidate);
        for (const container of ours.filter((each) => isCurrent(each, desired))) {
          const found = await changedByHand({ ...parts, imageOf }, desired, container, signal);
          // What cannot be looked at now is as it was.
          const kept = found.ok ? found.value : [...known.values()].filter(({ key }) => key.startsWith(container.id));
          for (const candidate of kept) next.set(candidate.key, candidate);
        }
      }
      if (signal.aborted) return;
      const before = known;
      known = next;
      const added = [...next.values()].filter(({ key }) => !before.has(key));
      for (const drift of added) {
        recordDrift(parts, drift);
        if (drift.restarts !== undefined) parts.wakePod(drift.pod);
      }
      if (added.length > 0 || before.size !== next.size) parts.onDriftChanged();
    },
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
    message: shorten(`${message}; today's policy would refuse it, the pod is left as it is`, longestMessage - 1),
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

async function changedByHand(
  parts: DriftParts & { readonly imageOf: ImageOf },
  desired: DesiredPod,
  { id, container, imageId, installId, attempt, sandboxId }: ObservedContainer,
  signal: AbortSignal,
): Promise<EngineResult<readonly Found[]>> {
  const { engine, clock } = parts;
  const found = (key: string, message: string): Found => ({
    key: `${id} ${key}`,
    pod: podKey(desired.pod.id),
    container,
    message: shorten(`${message}; it is left running`, longestMessage - 1),
  });
  const image = await parts.imageOf(imageId);
  if (!image.ok) return image;
  const images = new Map([[container, image.value]]);
  const request = await createRequest(
    parts,
    { container, attempt, sandboxId: sandboxId ?? null },
    { installId, desired, images },
  );
  if (typeof request === "string") return { ok: true, value: [found(request, `Could not be made today: ${request}`)] };
  const audit = await withDeadline(clock, deadlineMs, signal, (s) => engine.audit(id, request, s));
  if (!audit.ok) return audit;
  const words = audit.value.differences.map((difference) =>
    found(
      `${difference.field} ${difference.found}`,
      `${difference.field} is ${difference.found}, admitted was ${difference.expected}`,
    ),
  );
  const moved = movedHostPath(parts, { desired, container, request, pid: audit.value.pid });
  if (moved === null) return { ok: true, value: words };
  if (!moved.restarts) return { ok: true, value: [...words, found("mount", moved.message)] };
  const one = found("mount", moved.message);
  return { ok: true, value: [...words, { ...one, message: `${moved.message}; it is restarted`, restarts: id }] };
}

interface RunningContainer {
  readonly desired: DesiredPod;
  readonly container: string;
  readonly request: CreateRequest;
  readonly pid: number | null;
}

/** A host path that leads to another folder than the container sees. A job is never restarted for it. */
function movedHostPath(
  { podFiles }: DriftParts,
  { desired, container, request, pid }: RunningContainer,
): { readonly message: string; readonly restarts: boolean } | null {
  if (pid === null || !hasMountedVolume(desired, container)) return null;
  const seen = podFiles.mountedElsewhere(pid, mountsOf(request));
  if (seen.kind !== "elsewhere") return null;
  const [volume] = Object.entries(request.volumePaths).find(([, place]) => place === seen.source) ?? [];
  const path = (volume === undefined ? undefined : ownValue(request.hostPaths, volume)) ?? seen.source;
  if (!seen.isCovered) return { message: `${path} is another folder now than ${seen.target} shows`, restarts: false };
  const message = `Something was mounted over ${path}, and ${seen.target} shows the folder below it`;
  return { message, restarts: desired.pod.spec.restartPolicy === "Always" };
}

function recordDrift(parts: DriftParts, { pod, container, message }: Found): void {
  parts.events.recordPodEvent(pod, { type: "Warning", container, reason: "Drift", message });
}
