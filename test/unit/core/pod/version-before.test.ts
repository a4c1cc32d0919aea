import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerHistory } from "../../../../src/core/pod/container-history.ts";
import type { DesiredPod } from "../../../../src/core/pod/desired.ts";
import type { AcceptedPod } from "../../../../src/core/pod/spec.ts";
import { versionBefore } from "../../../../src/core/pod/version-before.ts";
import { acceptedPod, desiredPod, historyOf } from "../../../samples/pods.ts";

const previous = acceptedPod();
const desired: DesiredPod = {
  ...desiredPod(),
  pod: acceptedPod({ image: "app:2", containers: ["app", "side"] }),
};

function made(pod: AcceptedPod, name: string): ContainerHistory {
  const id = `${name}-id`;
  const current = { id, startedAt: null, seenRunning: null, engineRunId: null };
  return historyOf(pod, { current }, name);
}

test("the version before an update keeps running while the update has made no container", () => {
  assert.equal(versionBefore(desired, previous, { app: made(previous, "app") })?.pod, previous);
});

test("an update has begun with its first container, also with one that the version before did not have", () => {
  assert.equal(versionBefore(desired, previous, { app: made(desired.pod, "app") }), null);
  assert.equal(versionBefore(desired, previous, { app: made(previous, "app"), side: made(desired.pod, "side") }), null);
});

test("a pod with another uid has no version before", () => {
  const other = { ...previous, id: { ...previous.id, uid: "another" } };
  assert.equal(versionBefore(desired, other, { app: made(previous, "app") }), null);
});
