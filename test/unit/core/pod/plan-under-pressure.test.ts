import assert from "node:assert/strict";
import { test } from "node:test";
import {
  acceptedPod,
  container,
  desiredPod,
  historyOf,
  running,
  terminatingPod,
  termination,
} from "../../../samples/pods.ts";
import { type PlanGolden, planText } from "./plan-text.ts";

const pod = acceptedPod();
const desired = desiredPod();
const created = { kind: "created" } as const;
const here = { app: "sha256:app" };

const held = { reason: "DiskPressure", message: "less than there should be" };
const replaced = terminatingPod("replaced");

const goldens: readonly PlanGolden[] = [
  {
    name: "a new pod on a node under pressure: not even its image is looked up",
    situation: { desired, startsHeld: held },
    expected: "app waits: DiskPressure: less than there should be",
  },
  {
    name: "under pressure, and its image is pinned already",
    situation: { desired, startsHeld: held, history: { app: historyOf(pod) }, images: here },
    expected: "app waits: DiskPressure: less than there should be",
  },
  {
    name: "under pressure a pod that has begun goes on",
    situation: {
      desired,
      startsHeld: held,
      images: here,
      observed: [container(pod, created)],
      history: { app: historyOf(pod) },
    },
    expected: "start app (app-id-of-at), because it is made and does not run yet\napp waits: ContainerCreating",
  },
  {
    name: "under pressure what ended is restarted",
    situation: {
      desired,
      startsHeld: held,
      images: here,
      history: { app: historyOf(pod, { termination: termination(1) }) },
    },
    expected: "create app, attempt 1, because it ended with code 1\napp waits: ContainerCreating",
  },
  {
    name: "under pressure a new pod leaves the older one of its name alone",
    situation: {
      desired: desiredPod({ uid: "u2" }),
      startsHeld: held,
      terminating: [replaced],
      observed: [container(pod, running())],
    },
    expected: "app waits: DiskPressure: less than there should be",
  },
  {
    name: "under pressure a deleted pod goes all the same",
    situation: {
      desired: desiredPod({ uid: "u2" }),
      startsHeld: held,
      terminating: [terminatingPod("deleted")],
      observed: [container(pod, running())],
    },
    expected:
      "stop app (app-id-of-at) within 30 s, because message m3 deletes the pod\napp waits: DiskPressure: less than there should be",
  },
];

for (const { name, situation, expected } of goldens) {
  test(name, () => assert.equal(planText(situation), expected));
}
