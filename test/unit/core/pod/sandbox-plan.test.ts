import assert from "node:assert/strict";
import { test } from "node:test";
import { showAction } from "../../../../src/core/pod/action.ts";
import { podHash, sandboxName } from "../../../../src/core/pod/identity.ts";
import type { ObservedContainer, ObservedState } from "../../../../src/core/pod/observed.ts";
import { planOrphaned } from "../../../../src/core/pod/orphaned-plan.ts";
import { record } from "../../../../src/core/pod/record.ts";
import { atOnce } from "../../../../src/core/pod/sandbox-plan.ts";
import type { Situation } from "../../../../src/core/pod/situation.ts";
import type { AcceptedPod, RestartPolicy } from "../../../../src/core/pod/spec.ts";
import { wantedKey } from "../../../../src/core/pod/wanted.ts";
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
  withSpec,
} from "../../../samples/pods.ts";
import { type PlanGolden, planOf, planText } from "./plan-text.ts";

const containers = ["a", "b"] as const;
const pod = acceptedPod({ containers });
const desired = desiredPod({ containers });
const created: ObservedState = { kind: "created" };
const images = { a: "sha256:app", b: "sha256:app" };
const ownImage = { POD: "sha256:pause" };

/** A sandbox, and what joined it, by name and state. */
function sandboxOf(of: AcceptedPod, state: ObservedState, changes: Partial<ObservedContainer> = {}): ObservedContainer {
  const hash = podHash(of.spec);
  return container(of, state, { container: sandboxName, podHash: hash, specHash: hash, ...changes });
}

const sandboxId = "POD-id-of-attempt-0";
const joined = (name: string, state: ObservedState, changes: Partial<ObservedContainer> = {}, of = pod) =>
  container(of, state, { container: name, sandboxId, ...changes });
const whole = [sandboxOf(pod, running()), joined("a", running()), joined("b", running())];

/** History after the device has looked: what is observed, folded into what was known. */
function seen(observed: readonly ObservedContainer[], before: Situation["history"] = {}): Situation["history"] {
  return record(before, observed, { now, engineRunId: "s1" }).history;
}

/** a has run and b has ended with 0; then the sandbox died. */
function afterDeath(policy: RestartPolicy, state: ObservedState): Partial<Situation> {
  const its = acceptedPod({ containers, policy });
  const before = [sandboxOf(its, running()), joined("a", running(), {}, its), joined("b", exited(0), {}, its)];
  const dead = [sandboxOf(its, exited(137)), joined("a", state, {}, its), joined("b", exited(0), {}, its)];
  // The look while a still ran comes before every other: it is what stops it.
  const cut = [sandboxOf(its, exited(137)), joined("a", running(), {}, its), joined("b", exited(0), {}, its)];
  const history = seen(dead, seen(cut, seen(before)));
  return { desired: desiredPod({ containers, policy }), observed: dead, history, images: { ...images, ...ownImage } };
}

/** Both containers have ended with these codes, in a sandbox that runs. */
function allEnded(policy: RestartPolicy, [a, b]: readonly [number, number]): Partial<Situation> {
  const its = acceptedPod({ containers, policy });
  const observed = [sandboxOf(its, running()), joined("a", exited(a), {}, its), joined("b", exited(b), {}, its)];
  return { desired: desiredPod({ containers, policy }), observed, history: seen(observed), images };
}

const bothCreating = "a waits: ContainerCreating\nb waits: ContainerCreating";
const withPort = desiredPod({ containers });
const ported = {
  ...withPort,
  pod: withSpec(withPort.pod, {
    ...withPort.pod.spec,
    containers: withPort.pod.spec.containers.map((one) => ({
      ...one,
      ports: [{ containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" } as const],
    })),
  }),
};
const newB = {
  ...desired,
  pod: withSpec(pod, {
    ...pod.spec,
    containers: pod.spec.containers.map((one) =>
      one.name === "b" ? { ...one, env: [{ name: "A", value: "1" }] } : one,
    ),
  }),
};
const alone = acceptedPod({ containers: ["a"] });
const failure = {
  reason: "RunContainerError",
  message: "port is already allocated",
  count: 1,
  wanted: wantedKey(desired, { name: sandboxName }),
  containerId: sandboxId,
  at: ago(3_000),
};
const sandboxHistory = { ...historyOf(pod, {}, sandboxName), pinnedImage: null };

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
    name: "one container's specification changed: only that one stops, once every image is here",
    situation: { desired: newB, observed: whole, history: seen(whole), images },
    expected: "stop b (b-id-of-atte) within 30 s, because message m2 changes the container",
  },
  {
    name: "the pod changed: images first, all of them",
    situation: { desired: ported, observed: whole, history: seen(whole), images: { a: "sha256:app" } },
    expected: "look up image app:1 for b, because message m2 changes the pod",
  },
  {
    name: "the pod changed and its images are here: the containers stop, the sandbox last",
    situation: { desired: ported, observed: whole, history: seen(whole), images },
    expected: [
      "stop a (a-id-of-atte) within 30 s, because message m2 changes the pod",
      "stop b (b-id-of-atte) within 30 s, because message m2 changes the pod",
      "stop POD (POD-id-of-at) within 30 s, because message m2 changes the pod",
    ].join("\n"),
  },
  {
    name: "the pod changed and all has stopped: another sandbox",
    situation: {
      desired: ported,
      images: { ...images, ...ownImage },
      observed: [sandboxOf(pod, exited(0)), joined("a", exited(0)), joined("b", exited(0))],
      history: seen([sandboxOf(pod, exited(0)), joined("a", exited(0)), joined("b", exited(0))]),
    },
    expected: `create POD, attempt 1, because message m2 changes the pod\n${bothCreating}`,
  },
  {
    name: "a restart message: the whole pod, its sandbox too",
    situation: { desired: { ...desired, generation: 1 }, observed: whole, history: seen(whole), images },
    expected: [
      "stop a (a-id-of-atte) within 30 s, because message m2 asks for a restart",
      "stop b (b-id-of-atte) within 30 s, because message m2 asks for a restart",
      "stop POD (POD-id-of-at) within 30 s, because message m2 asks for a restart",
    ].join("\n"),
  },
  {
    name: "a container under another name: the old one stops when the new one's image is here",
    situation: {
      desired: desiredPod({ containers: ["a", "c"] }),
      images: { a: "sha256:app", c: "sha256:app" },
      observed: whole,
      history: seen(whole),
    },
    expected: "stop b (b-id-of-atte) within 30 s, because message m2 has it no more\nc waits: ContainerCreating",
  },
  {
    name: "a container that the pod has no more is removed once it has stopped",
    situation: {
      desired: desiredPod({ containers: ["a", "c"] }),
      images: { a: "sha256:app", c: "sha256:app" },
      observed: [sandboxOf(pod, running()), joined("a", running()), joined("b", exited(0))],
    },
    expected: [
      "remove b (b-id-of-atte), because message m2 has it no more",
      "create c, attempt 0, because the pod is new",
      "c waits: ContainerCreating",
    ].join("\n"),
  },
  ...(["Always", "OnFailure", "Never"] as const).map(
    (policy): PlanGolden => ({
      name: `${policy}, the sandbox died: what runs in it stops`,
      situation: afterDeath(policy, running()),
      expected: [
        "stop a (a-id-of-atte) within 30 s, because its sandbox is dead",
        ...(policy === "Always" ? ["b waits: ContainerCreating"] : []),
      ].join("\n"),
    }),
  ),
  {
    name: "Always, the sandbox died: another one, and all start again",
    situation: afterDeath("Always", exited(0)),
    expected: `create POD, attempt 1, because it ended with code 137\n${bothCreating}`,
  },
  {
    name: "OnFailure, the sandbox died: another one for the container that had not ended, whatever it said when stopped",
    situation: afterDeath("OnFailure", exited(0)),
    expected: "create POD, attempt 1, because it ended with code 137\na waits: ContainerCreating",
  },
  { name: "Never, the sandbox died: nothing more", situation: afterDeath("Never", exited(0)), expected: "" },
  {
    name: "OnFailure, in the new sandbox only what had not ended is made, and the dead sandbox stays with what joined it",
    situation: (() => {
      const after = afterDeath("OnFailure", exited(0));
      const its = acceptedPod({ containers, policy: "OnFailure" });
      const observed = [...(after.observed ?? []), sandboxOf(its, running(), { attempt: 1 })];
      return { ...after, observed, history: seen(observed, after.history) };
    })(),
    expected: ["create a, attempt 1, because it ended with code 137", "a waits: ContainerCreating"].join("\n"),
  },
  {
    name: "a dead sandbox goes with the last container that joined it, after it",
    situation: (() => {
      const second = { attempt: 1, sandboxId: "POD-id-of-attempt-1" };
      const observed = [
        sandboxOf(pod, exited(137)),
        joined("a", exited(137)),
        sandboxOf(pod, running(), { attempt: 1 }),
        joined("a", exited(1), second),
        joined("a", running(), { ...second, attempt: 2 }),
        joined("b", running(), second),
      ];
      return { desired, images, observed, history: seen(observed) };
    })(),
    expected: [
      "remove a (a-id-of-atte), because a newer attempt has taken its place",
      "remove POD (POD-id-of-at), because a newer attempt has taken its place",
    ].join("\n"),
  },
  {
    name: "made for a sandbox that died before it could start: removed, and made anew under the same attempt",
    situation: { desired, observed: [sandboxOf(pod, exited(137)), joined("a", created)] },
    expected: `remove a (a-id-of-atte), because its sandbox is dead\n${bothCreating}`,
  },
  {
    name: "a sandbox that dies again and again waits like any container",
    situation: {
      desired,
      observed: [sandboxOf(pod, exited(137), { attempt: 2 })],
      history: {
        POD: {
          ...sandboxHistory,
          podHash: podHash(pod.spec),
          specHash: podHash(pod.spec),
          attempt: 2,
          termination: termination(137),
          backoffLevel: 2,
          diedAt: ago(5_000),
        },
      },
    },
    expected: [
      "a waits: ContainerCreating: The pod's sandbox: back-off 20s restarting failed container=POD pod=web_websocket(u1)",
      "b waits: ContainerCreating: The pod's sandbox: back-off 20s restarting failed container=POD pod=web_websocket(u1)",
      "look again in 15 s",
    ].join("\n"),
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
  {
    name: "one container becomes two: the images of both first",
    situation: {
      desired,
      observed: [container(alone, running(), { container: "a" })],
      history: { a: historyOf(alone, {}, "a") },
    },
    expected: "look up image sha256:app for a, because message m2 changes the pod\nb waits: ContainerCreating",
  },
  {
    name: "one container becomes two: it stops",
    situation: { desired, images, observed: [container(alone, running(), { container: "a" })] },
    expected: "stop a (a-id-of-atte) within 30 s, because message m2 changes the pod\nb waits: ContainerCreating",
  },
  {
    name: "one container becomes two: then comes the sandbox",
    situation: {
      desired,
      images: { ...images, ...ownImage },
      observed: [container(alone, exited(0), { container: "a" })],
    },
    expected: `create POD, attempt 0, because the pod is new\n${bothCreating}`,
  },
  {
    name: "two containers become one: all stop, the sandbox last",
    situation: {
      desired: desiredPod({ containers: ["a"] }),
      images,
      observed: whole,
      history: seen(whole),
    },
    expected: [
      "stop a (a-id-of-atte) within 30 s, because message m2 changes the pod",
      "stop b (b-id-of-atte) within 30 s, because message m2 changes the pod",
      "stop POD (POD-id-of-at) within 30 s, because message m2 changes the pod",
    ].join("\n"),
  },
  {
    name: "two containers become one: what is no part of it any more goes, the sandbox not before what joined it",
    situation: {
      desired: desiredPod({ containers: ["a"] }),
      images,
      observed: [sandboxOf(pod, exited(0)), joined("a", exited(0)), joined("b", exited(0))],
      history: seen([sandboxOf(pod, exited(0)), joined("a", exited(0)), joined("b", exited(0))]),
    },
    expected: [
      "remove b (b-id-of-atte), because message m2 has it no more",
      "create a, attempt 1, because message m2 changes the pod",
      "a waits: ContainerCreating",
    ].join("\n"),
  },
  {
    name: "deleted: the containers stop, the sandbox last",
    situation: {
      terminating: [terminatingPod("deleted", { containers, sinceMs: 12_000 })],
      observed: whole,
    },
    expected: [
      "stop a (a-id-of-atte) within 18 s, because message m3 deletes the pod",
      "stop b (b-id-of-atte) within 18 s, because message m3 deletes the pod",
      "stop POD (POD-id-of-at) within 18 s, because message m3 deletes the pod",
    ].join("\n"),
  },
  {
    name: "deleted and stopped: everything is removed, the sandbox last",
    situation: {
      terminating: [terminatingPod("deleted", { containers })],
      observed: [sandboxOf(pod, exited(0)), joined("a", exited(0))],
    },
    expected: [
      "remove a (a-id-of-atte), because message m3 deletes the pod",
      "remove POD (POD-id-of-at), because message m3 deletes the pod",
    ].join("\n"),
  },
];

for (const { name, situation, expected } of goldens) {
  test(name, () => assert.equal(planText(situation), expected));
}

/** Actions for a pod that no row is there for, its sandbox dead by hand, `a` in this state. */
function unmanaged(policy: RestartPolicy, state: ObservedState, sandbox: ObservedState = exited(137)): string {
  const its = acceptedPod({ containers, policy });
  const before = [sandboxOf(its, running()), joined("a", running(), {}, its)];
  const cut = [sandboxOf(its, exited(137)), joined("a", running(), {}, its)];
  const observed = [joined("a", state, {}, its), sandboxOf(its, sandbox)];
  const history = seen(observed, seen(cut, seen(before)));
  return planOrphaned(observed, new Map([["u1", history]]), now)
    .actions.map(showAction)
    .join("\n");
}

test("a pod that nobody knows: what runs in its dead sandbox stops, the sandbox starts in place, then what it held", () => {
  const because = ", because no pod here knows it, and its label says Always";
  const stopped = "stop a (a-id-of-atte) within 30 s, because its sandbox is dead";
  const startSandbox = `start POD (POD-id-of-at)${because}`;
  const start = `start a (a-id-of-atte)${because}`;
  assert.equal(unmanaged("Always", running()), `${stopped}\n${startSandbox}`);
  assert.equal(unmanaged("Always", exited(0)), `${startSandbox}\n${start}`);
  assert.equal(unmanaged("Always", exited(0), running()), start);
  assert.equal(unmanaged("OnFailure", exited(0)), unmanaged("Always", exited(0)).replaceAll("Always", "OnFailure"));
  assert.equal(unmanaged("Never", running()), "");
});

test("a container that nobody knows waits while an NPU of its own is another one's: of whoever runs, else of the last", () => {
  const its = container(pod, exited(1), { npus: ["davinci0"] });
  const history = seen([its], seen([{ ...its, state: running() }]));
  const starts = (other: ObservedState, npu = "davinci0") => {
    const all = [its, { ...its, id: "other", npus: [npu], state: other }];
    return planOrphaned([its], new Map([["u1", history]]), now, all).actions.length;
  };
  assert.equal(starts(running()), 0);
  assert.equal(starts(running(), "davinci1"), 1);
  assert.equal(starts(exited(1, ago(500))), 0);
  assert.equal(starts(exited(1, ago(5_000))), 1);
});

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

test("what ran in a sandbox that died has ended with 137, unknown, whatever it says when it is stopped", () => {
  for (const policy of ["Always", "OnFailure", "Never"] as const) {
    const { history } = afterDeath(policy, exited(0));
    const { exitCode, reason, interrupted } = history?.["a"]?.termination ?? assert.fail();
    assert.deepEqual([exitCode, reason, interrupted], [137, "ContainerStatusUnknown", false]);
    assert.equal(history?.["b"]?.termination?.exitCode, 0);
  }
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
