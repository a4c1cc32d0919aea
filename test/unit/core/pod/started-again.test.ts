import assert from "node:assert/strict";
import { test } from "node:test";
import { podHash, sandboxName } from "../../../../src/core/pod/identity.ts";
import type { ObservedContainer } from "../../../../src/core/pod/observed.ts";
import type { Situation } from "../../../../src/core/pod/situation.ts";
import { acceptedPod, container, desiredPod, historyOf, running } from "../../../samples/pods.ts";
import { type PlanGolden, planText } from "./plan-text.ts";

const pod = acceptedPod();
const desired = desiredPod();
const created = container(pod, { kind: "created" }, { attempt: 1 });

const containers = ["a", "b"] as const;
const two = acceptedPod({ containers });
const desiredTwo = desiredPod({ containers });
const sandbox = container(two, running(), {
  container: sandboxName,
  id: "sandbox",
  podHash: podHash(two.spec),
  specHash: podHash(two.spec),
});
const joined = (name: string, changes: Partial<ObservedContainer> = {}): ObservedContainer =>
  container(two, running(), { container: name, id: `${name}-of-the-new`, sandboxId: "sandbox", ...changes });
const oldA = container(acceptedPod({ containers: ["a"] }), running(), {
  container: "a",
  id: "a-of-the-old-pod",
  podHash: "old",
});
const historyOfTwo = (changes: Partial<Situation["history"]> = {}): Situation["history"] => ({
  [sandboxName]: { ...historyOf(two, {}, sandboxName), podHash: podHash(two.spec), specHash: podHash(two.spec) },
  a: historyOf(two, {}, "a"),
  b: historyOf(two, {}, "b"),
  ...changes,
});

/** What somebody else has started again, beside what the agent has made in its place. */
const goldens: readonly PlanGolden[] = [
  {
    name: "an older attempt that runs again replaces a next attempt that was not started",
    situation: {
      desired,
      history: { app: historyOf(pod, { attempt: 1 }) },
      observed: [container(pod, running()), created],
    },
    expected: "remove app (app-id-of-at), because an older attempt runs again\napp waits: ContainerCreating",
  },
  {
    name: "an older attempt of an older specification stops before the next one starts",
    situation: {
      desired,
      history: { app: historyOf(pod, { attempt: 1 }) },
      observed: [container(pod, running(), { specHash: "old" }), created],
    },
    expected: [
      "stop app (app-id-of-at) within 30 s, because message m2 changes the container",
      "app waits: ContainerCreating",
    ].join("\n"),
  },
  {
    name: "a container of the old pod stops alone",
    situation: { desired: desiredTwo, history: historyOfTwo(), observed: [sandbox, joined("a"), joined("b"), oldA] },
    expected: "stop a (a-of-the-old) within 30 s, because message m2 changes the pod",
  },
  {
    name: "a container of the old pod beside one of the new pod stops while images are pulled",
    situation: {
      desired: desiredTwo,
      images: { a: null, b: "sha256:app" },
      history: historyOfTwo(),
      observed: [sandbox, joined("b"), oldA],
    },
    expected: "stop a (a-of-the-old) within 30 s, because message m2 changes the pod",
  },
  {
    name: "a container of the old pod beside the new sandbox waits for the images",
    situation: {
      desired: desiredTwo,
      images: { a: null, b: "sha256:app" },
      history: historyOfTwo(),
      observed: [sandbox, oldA],
    },
    expected: [
      "pull app:1 for a, because message m2 changes the pod, and its image is not on this device",
      "b waits: ContainerCreating",
      "the update of a waits: ContainerCreating",
    ].join("\n"),
  },
  {
    name: "the old sandbox stops after its containers",
    situation: {
      desired: desiredTwo,
      history: historyOfTwo(),
      observed: [
        ...[sandbox, joined("a"), joined("b")].map((one) => ({ ...one, attempt: 1 })),
        { ...sandbox, id: "old-sandbox", podHash: "old" },
        joined("b", { id: "b-of-the-old-pod", sandboxId: "old-sandbox", podHash: "old" }),
      ],
    },
    expected: [
      "stop b (b-of-the-old) within 30 s, because message m2 changes the pod",
      "stop POD (old-sandbox) within 30 s, because message m2 changes the pod",
    ].join("\n"),
  },
];

for (const { name, situation, expected } of goldens) {
  test(`a container started by hand: ${name}`, () => {
    assert.equal(planText(situation), expected);
  });
}
