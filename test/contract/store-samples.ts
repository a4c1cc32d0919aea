import type { ContainerHistory, Moment } from "../../src/core/pod/container-history.ts";
import type { DesiredPod, TerminatingPod } from "../../src/core/pod/desired.ts";
import type { PodEvent } from "../../src/core/pod/event.ts";
import { podHashes } from "../../src/core/pod/identity.ts";
import type { AcceptedPod, PodSpec } from "../../src/core/pod/spec.ts";
import type { RepeatKey } from "../../src/ports/store.ts";
import { containerDefaults, podDefaults } from "../samples/pods.ts";

export const moment: Moment = { wall: 1_700_000_000_123, mono: 4_567.25, bootId: "boot-1" };

export const history: ContainerHistory = {
  attempt: 3,
  podHash: "p",
  specHash: "s",
  generation: 1,
  current: { id: "c1", startedAt: "2026-01-01T00:00:00Z", seenRunning: moment, engineRunId: "e1" },
  termination: null,
  lastTermination: null,
  backoffLevel: 2,
  diedAt: moment,
  failure: null,
  pinnedImage: { name: "app:1.0", id: "sha256:1", pulledFor: "s" },
};

export const event: PodEvent = {
  type: "Normal",
  pod: "websocket/a",
  container: "app",
  reason: "Started",
  message: "Started container app",
};

export function pod(name: string, image = "app:1.0"): AcceptedPod {
  const id = { namespace: "websocket", name, uid: `uid-${name}` };
  const spec: PodSpec = {
    ...podDefaults,
    enableServiceLinks: false,
    containers: [{ ...containerDefaults, name: "app", image, resources: { limits: {}, requests: {} } }],
  };
  const metadata = { name, namespace: id.namespace, uid: id.uid, resourceVersion: "1" };
  return { id, metadata, spec, hashes: podHashes(spec) };
}

export function desired(name: string, change: Partial<DesiredPod> = {}): DesiredPod {
  return { pod: pod(name), generation: 0, acceptedAt: moment, request: "message m1", contentHash: "h1", ...change };
}

export function terminating(name: string, change: Partial<TerminatingPod> = {}): TerminatingPod {
  const known = pod(name);
  return {
    seq: 0,
    kind: "deleted",
    id: known.id,
    pod: known,
    generation: 2,
    graceSeconds: 30,
    since: moment,
    acceptedAt: { ...moment, mono: 0 },
    deletionTimestamp: "2026-01-01T00:00:30Z",
    request: "message m2",
    isTerminated: false,
    ...change,
  };
}

export function repeat(messageId: string): RepeatKey {
  return { messageId, operation: "update", resource: "websocket/pod/a", contentHash: "h" };
}
