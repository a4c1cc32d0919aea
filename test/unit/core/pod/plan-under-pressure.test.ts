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
    name: "under pressure a new pod waits and does not look up its image",
    situation: { desired, startsHeld: held },
    expected: "app waits: DiskPressure: less than there should be",
  },
  {
    name: "under pressure a new pod with a pinned image waits",
    situation: { desired, startsHeld: held, history: { app: historyOf(pod) }, images: here },
    expected: "app waits: DiskPressure: less than there should be",
  },
  {
    name: "under pressure a created container is still started",
    situation: {
      desired,
      startsHeld: held,
      images: here,
      observed: [container(pod, created)],
      history: { app: historyOf(pod) },
    },
    expected: "start app (app-id-of-at), because it is created and not started yet\napp waits: ContainerCreating",
  },
  {
    name: "under pressure a container that ended is restarted",
    situation: {
      desired,
      startsHeld: held,
      images: here,
      history: { app: historyOf(pod, { termination: termination(1) }) },
    },
    expected: "create app, attempt 1, because it ended with code 1\napp waits: ContainerCreating",
  },
  {
    name: "under pressure a new pod does not stop the older pod of its name",
    situation: {
      desired: desiredPod({ uid: "u2" }),
      startsHeld: held,
      terminating: [replaced],
      observed: [container(pod, running())],
    },
    expected: "app waits: DiskPressure: less than there should be",
  },
  {
    name: "under pressure a deleted pod still stops",
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
