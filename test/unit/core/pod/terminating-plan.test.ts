import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerHistory } from "../../../../src/core/pod/container-history.ts";
import type { Situation } from "../../../../src/core/pod/situation.ts";
import { stillWanted } from "../../../../src/core/pod/terminating-plan.ts";
import {
  acceptedPod,
  ago,
  container,
  desiredPod,
  exited,
  historyOf,
  now,
  running,
  terminatingPod,
  termination,
} from "../../../samples/pods.ts";
import { noNpus, type PlanGolden, planOf, planText } from "./plan-text.ts";

const pod = acceptedPod();
const desired = desiredPod();
const here = { app: "sha256:app" };
const unhealthy = { ready: null, live: false, why: "liveness probe failed: exit code 1" };

const replaced = terminatingPod("replaced");
const again = container(pod, running(), { generation: 1 });

const goldens: readonly PlanGolden[] = [
  {
    name: "a delete with a grace period of 0 gives the container one second",
    situation: {
      terminating: [terminatingPod("deleted", { graceSeconds: 0 })],
      observed: [container(pod, running())],
    },
    expected: "stop app (app-id-of-at) within 1 s, because message m3 deletes the pod",
  },
  {
    name: "a deleted pod whose liveness probe fails stops because of the delete",
    situation: {
      terminating: [terminatingPod("deleted")],
      observed: [container(pod, running())],
      probes: { "app-id-of-attempt-0": unhealthy },
    },
    expected: "stop app (app-id-of-at) within 30 s, because message m3 deletes the pod",
  },
  {
    name: "a deleted pod stops within the rest of its grace period",
    situation: { terminating: [terminatingPod("deleted", { sinceMs: 12_000 })], observed: [container(pod, running())] },
    expected: "stop app (app-id-of-at) within 18 s, because message m3 deletes the pod",
  },
  {
    name: "a deleted pod whose container stopped is removed",
    situation: { terminating: [terminatingPod("deleted")], observed: [container(pod, exited(0))] },
    expected: "remove app (app-id-of-at), because message m3 deletes the pod",
  },
  {
    name: "a deleted pod without containers is forgotten",
    situation: { terminating: [terminatingPod("deleted")] },
    expected: "finish web, because none of its containers is left",
  },
  {
    name: "a new uid of a name pulls its image while the old pod runs",
    situation: {
      desired: desiredPod({ uid: "u2" }),
      terminating: [terminatingPod("replaced")],
      observed: [container(pod, running())],
      images: { app: null },
    },
    expected:
      "pull app:1 for app, because a new pod of this name needs it, and its image is not on this device\napp waits: ContainerCreating",
  },
  {
    name: "a new uid of a name stops the old pod when its image is present",
    situation: {
      desired: desiredPod({ uid: "u2" }),
      terminating: [terminatingPod("replaced")],
      observed: [container(pod, running())],
      images: here,
    },
    expected:
      "stop app (app-id-of-at) within 30 s, because message m3 brings a new pod of this name, and its images are on this device\napp waits: ContainerCreating: waits for the former pod of this name to end, which may take 30 s",
  },
  {
    name: "a delete of an unknown pod removes containers of its name but not those of the desired pod",
    situation: {
      desired,
      terminating: [{ ...terminatingPod("deleted"), pod: null, id: { ...pod.id, uid: "" } }],
      observed: [container(pod, running()), container(acceptedPod({ uid: "u9" }), exited(1))],
    },
    expected: "remove app (app-id-of-at), because message m3 deletes the pod",
  },
  {
    name: "a delete of an unknown pod keeps a pod that waits to be replaced",
    situation: {
      desired: desiredPod({ uid: "u2" }),
      terminating: [{ ...terminatingPod("deleted"), pod: null, id: { ...pod.id, uid: "" } }, replaced],
      observed: [container(pod, running())],
      images: here,
    },
    expected: "finish web, because none of its containers is left\napp waits: ContainerCreating",
  },
  {
    name: "a delete removes containers of the name that have no row in the store",
    situation: {
      terminating: [terminatingPod("deleted")],
      observed: [container(acceptedPod({ uid: "u9" }), running(), { id: "stray" })],
    },
    expected: "stop app (stray) within 30 s, because message m3 deletes the pod",
  },
  {
    name: "a delete removes containers of a higher generation whose row was lost",
    situation: { terminating: [terminatingPod("deleted")], observed: [container(pod, exited(0), { generation: 2 })] },
    expected: "remove app (app-id-of-at), because message m3 deletes the pod",
  },
  {
    name: "a delete keeps containers of the newer generation of the same uid",
    situation: { desired: { ...desired, generation: 1 }, terminating: [terminatingPod("deleted")], observed: [again] },
    expected: "finish web, because none of its containers is left",
  },
];

for (const { name, situation, expected } of goldens) {
  test(name, () => assert.equal(planText(situation), expected));
}

/** A new uid wants the name and its image is on its way; what is left of the old pod is given. */
function oldPod(observed: Situation["observed"], changes: Partial<ContainerHistory> = {}): string {
  const old = terminatingPod("replaced");
  const whole = { desired: desiredPod({ uid: "u2" }), terminating: [old], observed, images: { app: null } };
  assert.equal(planOf(whole).keepsRunning, old);
  const known = { history: { app: historyOf(pod, changes) }, images: here };
  const situation = stillWanted(
    { before: null, history: {}, probes: {}, startsHeld: null, npus: noNpus, now, ...whole },
    old,
    known,
  );
  return situation === null ? "nothing is done for it" : planText(situation);
}

test("a pod to be replaced is restarted by its policy until the new image is present", () => {
  assert.equal(oldPod([container(pod, running())]), "");
  assert.equal(
    oldPod([container(pod, exited(1))], { termination: termination(1), diedAt: ago(1_000) }),
    "create app, attempt 1, because it ended with code 1\napp waits: ContainerCreating",
  );
  const loop = oldPod([container(pod, exited(1))], {
    termination: termination(1),
    diedAt: ago(1_000),
    backoffLevel: 1,
  });
  assert.match(loop, /^app waits: CrashLoopBackOff: .*\nlook again in 9 s$/);
  assert.equal(oldPod([]), "nothing is done for it", "what has no container is not begun any more");
});

test("a deleted pod is not restarted while its successor waits", () => {
  const terminating = [terminatingPod("deleted"), terminatingPod("replaced")];
  assert.equal(
    planOf({ desired: desiredPod({ uid: "u2" }), terminating: terminating, images: { app: null } }).keepsRunning,
    undefined,
  );
});
