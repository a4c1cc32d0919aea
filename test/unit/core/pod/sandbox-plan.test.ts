import assert from "node:assert/strict";
import { test } from "node:test";
import { podHash } from "../../../../src/core/pod/identity.ts";
import { atOnce } from "../../../../src/core/pod/sandbox-plan.ts";
import type { Situation } from "../../../../src/core/pod/situation.ts";
import {
  acceptedPod,
  desiredPod,
  exited,
  historyOf,
  running,
  terminatingPod,
  termination,
} from "../../../samples/pods.ts";
import { type PlanGolden, planOf, planText } from "./plan-text.ts";
import {
  allEnded,
  bothCreating,
  containers,
  created,
  desired,
  failure,
  images,
  joined,
  ownImage,
  pod,
  sandboxHistory,
  sandboxId,
  sandboxOf,
  seen,
  whole,
} from "./sandbox-situations.ts";

const goldens: readonly PlanGolden[] = [
  {
    name: "a new pod of two containers looks up the image of the sandbox first",
    situation: { desired },
    expected: `look up image edge.invalid/sandbox for POD, because the pod is new\n${bothCreating}`,
  },
  {
    name: "a sandbox whose image is present is created",
    situation: { desired, images: ownImage },
    expected: `create POD, attempt 0, because the pod is new\n${bothCreating}`,
  },
  {
    name: "a sandbox is started before a container joins it",
    situation: { desired, observed: [sandboxOf(pod, created)] },
    expected: `start POD (POD-id-of-at), because it is created and not started yet\n${bothCreating}`,
  },
  {
    name: "a sandbox that cannot start delays all containers, which name the reason",
    situation: {
      desired,
      observed: [sandboxOf(pod, { kind: "created", startError: "port is already allocated" })],
      history: { POD: { ...sandboxHistory, podHash: podHash(pod.spec), specHash: podHash(pod.spec), failure } },
    },
    expected: [
      "a waits: ContainerCreating: The pod's sandbox: port is already allocated",
      "b waits: ContainerCreating: The pod's sandbox: port is already allocated",
      "look again in 7 s",
    ].join("\n"),
  },
  {
    name: "a running sandbox gets its containers",
    situation: { desired, observed: [sandboxOf(pod, running())], images },
    expected: `create a, attempt 0, because the pod is new\ncreate b, attempt 0, because the pod is new\n${bothCreating}`,
  },
  {
    name: "a container whose image is present is created before another one's image is pulled",
    situation: { desired, observed: [sandboxOf(pod, running())], images: { ...images, a: null } },
    expected: [
      "create b, attempt 0, because the pod is new",
      "pull app:1 for a, because the pod is new, and its image is not on this device",
      bothCreating,
    ].join("\n"),
  },
  { name: "a complete running pod is adopted without a call", situation: { desired, observed: whole }, expected: "" },
  {
    name: "a container that ended is created again alone, in the same sandbox",
    situation: {
      desired,
      images,
      observed: [sandboxOf(pod, running()), joined("a", running()), joined("b", exited(1))],
      history: seen([sandboxOf(pod, running()), joined("a", running()), joined("b", exited(1))]),
    },
    expected: "create b, attempt 1, because it ended with code 1\nb waits: ContainerCreating",
  },
  {
    name: "a sandbox under Never stops when all containers have ended",
    situation: allEnded("Never", [1, 0]),
    expected: "stop POD (POD-id-of-at) within 30 s, because all its containers have ended",
  },
  {
    name: "a sandbox under OnFailure stops when all containers have ended with 0",
    situation: allEnded("OnFailure", [0, 0]),
    expected: "stop POD (POD-id-of-at) within 30 s, because all its containers have ended",
  },
  {
    name: "a failed container under OnFailure is created again in the sandbox",
    situation: allEnded("OnFailure", [1, 0]),
    expected: "create a, attempt 1, because it ended with code 1\na waits: ContainerCreating",
  },
  {
    name: "a pod under Never with a stopped sandbox is done",
    situation: {
      desired: desiredPod({ containers, policy: "Never" }),
      history: Object.fromEntries(
        containers.map((name) => [
          name,
          historyOf(acceptedPod({ containers, policy: "Never" }), { termination: termination(0) }, name),
        ]),
      ),
    },
    expected: "",
  },
];

for (const { name, situation, expected } of goldens) {
  test(name, () => assert.equal(planText(situation), expected));
}

test("a created container joins the running sandbox, and a sandbox joins none", () => {
  const { actions } = planOf({ desired, observed: [sandboxOf(pod, running())], images });
  assert.deepEqual(
    actions.map((one) => one.kind === "create" && one.sandboxId),
    [sandboxId, sandboxId],
  );
  const first = planOf({ desired, images: ownImage }).actions;
  assert.deepEqual(
    first.map((one) => one.kind === "create" && one.sandboxId),
    [null],
  );
});

test("containers stop at the same time, the sandbox after them, and every other action runs alone", () => {
  const steps = (situation: Partial<Situation>): readonly (readonly string[])[] => {
    let left = planOf(situation).actions;
    const done: (readonly string[])[] = [];
    while (left.length > 0) {
      const now = atOnce(left);
      assert.ok(now.length > 0);
      done.push(now.map((one) => `${one.kind} ${"container" in one ? one.container : ""}`));
      left = left.slice(now.length);
    }
    return done;
  };
  const terminating = [terminatingPod("deleted", { containers })];
  assert.deepEqual(steps({ terminating: terminating, observed: whole }), [["stop a", "stop b"], ["stop POD"]]);
  const dead = [sandboxOf(pod, exited(0)), joined("a", exited(0)), joined("b", exited(0))];
  assert.deepEqual(steps({ terminating: terminating, observed: dead }), [["remove a"], ["remove b"], ["remove POD"]]);
  assert.deepEqual(atOnce([]), []);
});
