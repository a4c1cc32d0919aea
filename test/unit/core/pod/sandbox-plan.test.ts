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
    name: "a new pod of two: the sandbox's image first",
    situation: { desired },
    expected: `look up image edge.invalid/sandbox for POD, because the pod is new\n${bothCreating}`,
  },
  {
    name: "its image is here: the sandbox is made",
    situation: { desired, images: ownImage },
    expected: `create POD, attempt 0, because the pod is new\n${bothCreating}`,
  },
  {
    name: "the sandbox is started before anything joins it",
    situation: { desired, observed: [sandboxOf(pod, created)] },
    expected: `start POD (POD-id-of-at), because it is made and does not run yet\n${bothCreating}`,
  },
  {
    name: "a sandbox that cannot start holds up all, and they say why",
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
    name: "the sandbox runs: the containers are made",
    situation: { desired, observed: [sandboxOf(pod, running())], images },
    expected: `create a, attempt 0, because the pod is new\ncreate b, attempt 0, because the pod is new\n${bothCreating}`,
  },
  {
    name: "what needs no pull goes first",
    situation: { desired, observed: [sandboxOf(pod, running())], images: { ...images, a: null } },
    expected: [
      "create b, attempt 0, because the pod is new",
      "pull app:1 for a, because the pod is new, and its image is not here",
      bothCreating,
    ].join("\n"),
  },
  { name: "all of it runs: adopted, nothing to do", situation: { desired, observed: whole }, expected: "" },
  {
    name: "one container ended: it alone is made again, in the same sandbox",
    situation: {
      desired,
      images,
      observed: [sandboxOf(pod, running()), joined("a", running()), joined("b", exited(1))],
      history: seen([sandboxOf(pod, running()), joined("a", running()), joined("b", exited(1))]),
    },
    expected: "create b, attempt 1, because it ended with code 1\nb waits: ContainerCreating",
  },
  {
    name: "Never, all ended: the sandbox stops",
    situation: allEnded("Never", [1, 0]),
    expected: "stop POD (POD-id-of-at) within 30 s, because all its containers have ended",
  },
  {
    name: "OnFailure, all ended well: the sandbox stops",
    situation: allEnded("OnFailure", [0, 0]),
    expected: "stop POD (POD-id-of-at) within 30 s, because all its containers have ended",
  },
  {
    name: "OnFailure, one ended badly: it comes again in the sandbox",
    situation: allEnded("OnFailure", [1, 0]),
    expected: "create a, attempt 1, because it ended with code 1\na waits: ContainerCreating",
  },
  {
    name: "Never, all ended, the sandbox dead too: done",
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

test("what is made joins the sandbox that runs, and a sandbox joins none", () => {
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

test("what is to stop stops at the same time, the sandbox after it, and everything else alone", () => {
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
