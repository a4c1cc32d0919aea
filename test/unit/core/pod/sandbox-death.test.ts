import assert from "node:assert/strict";
import { test } from "node:test";
import { podHash } from "../../../../src/core/pod/identity.ts";
import { acceptedPod, ago, exited, running, termination } from "../../../samples/pods.ts";
import { type PlanGolden, planText } from "./plan-text.ts";
import {
  afterDeath,
  bothCreating,
  containers,
  created,
  desired,
  images,
  joined,
  pod,
  sandboxHistory,
  sandboxOf,
  seen,
} from "./sandbox-situations.ts";

const goldens: readonly PlanGolden[] = [
  ...(["Always", "OnFailure", "Never"] as const).map(
    (policy): PlanGolden => ({
      name: `a dead sandbox under ${policy} stops its running containers`,
      situation: afterDeath(policy, running()),
      expected: [
        "stop a (a-id-of-atte) within 30 s, because its sandbox is dead",
        ...(policy === "Always" ? ["b waits: ContainerCreating"] : []),
      ].join("\n"),
    }),
  ),
  {
    name: "a dead sandbox under Always is created again for all containers",
    situation: afterDeath("Always", exited(0)),
    expected: `create POD, attempt 1, because it ended with code 137\n${bothCreating}`,
  },
  {
    name: "a dead sandbox under OnFailure is created again for the container that had not ended",
    situation: afterDeath("OnFailure", exited(0)),
    expected: "create POD, attempt 1, because it ended with code 137\na waits: ContainerCreating",
  },
  { name: "a dead sandbox under Never is not created again", situation: afterDeath("Never", exited(0)), expected: "" },
  {
    name: "a new sandbox under OnFailure gets only the container that had not ended, and the dead sandbox stays",
    situation: (() => {
      const after = afterDeath("OnFailure", exited(0));
      const its = acceptedPod({ containers, policy: "OnFailure" });
      const observed = [...(after.observed ?? []), sandboxOf(its, running(), { attempt: 1 })];
      return { ...after, observed, history: seen(observed, after.history) };
    })(),
    expected: ["create a, attempt 1, because it ended with code 137", "a waits: ContainerCreating"].join("\n"),
  },
  {
    name: "a dead sandbox is removed after the last container that joined it",
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
      "remove a (a-id-of-atte), because a newer attempt has replaced it",
      "remove POD (POD-id-of-at), because a newer attempt has replaced it",
    ].join("\n"),
  },
  {
    name: "a container created for a sandbox that died before its start is created again under the same attempt",
    situation: { desired, observed: [sandboxOf(pod, exited(137)), joined("a", created)] },
    expected: `remove a (a-id-of-atte), because its sandbox is dead\n${bothCreating}`,
  },
  {
    name: "a sandbox that ends repeatedly waits a back-off like any container",
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
];

for (const { name, situation, expected } of goldens) {
  test(name, () => assert.equal(planText(situation), expected));
}

test("a container of a dead sandbox has ended with 137 and ContainerStatusUnknown, whatever its own exit code", () => {
  for (const policy of ["Always", "OnFailure", "Never"] as const) {
    const { history } = afterDeath(policy, exited(0));
    const { exitCode, reason, interrupted } = history?.["a"]?.termination ?? assert.fail();
    assert.deepEqual([exitCode, reason, interrupted], [137, "ContainerStatusUnknown", false]);
    assert.equal(history?.["b"]?.termination?.exitCode, 0);
  }
});
