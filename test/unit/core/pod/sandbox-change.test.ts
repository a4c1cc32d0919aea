import assert from "node:assert/strict";
import { test } from "node:test";
import { container, desiredPod, exited, historyOf, running, terminatingPod } from "../../../samples/pods.ts";
import { type PlanGolden, planText } from "./plan-text.ts";
import {
  alone,
  bothCreating,
  containers,
  desired,
  images,
  joined,
  newB,
  ownImage,
  pod,
  ported,
  sandboxOf,
  seen,
  whole,
} from "./sandbox-situations.ts";

const goldens: readonly PlanGolden[] = [
  {
    name: "a changed container stops alone, when every image is present",
    situation: { desired: newB, observed: whole, history: seen(whole), images },
    expected: "stop b (b-id-of-atte) within 30 s, because message m2 changes the container",
  },
  {
    name: "a changed pod looks up all its images first",
    situation: { desired: ported, observed: whole, history: seen(whole), images: { a: "sha256:app" } },
    expected: "look up image app:1 for b, because message m2 changes the pod",
  },
  {
    name: "a changed pod whose images are present stops its containers, then the sandbox",
    situation: { desired: ported, observed: whole, history: seen(whole), images },
    expected: [
      "stop a (a-id-of-atte) within 30 s, because message m2 changes the pod",
      "stop b (b-id-of-atte) within 30 s, because message m2 changes the pod",
      "stop POD (POD-id-of-at) within 30 s, because message m2 changes the pod",
    ].join("\n"),
  },
  {
    name: "a changed pod that has stopped gets another sandbox",
    situation: {
      desired: ported,
      images: { ...images, ...ownImage },
      observed: [sandboxOf(pod, exited(0)), joined("a", exited(0)), joined("b", exited(0))],
      history: seen([sandboxOf(pod, exited(0)), joined("a", exited(0)), joined("b", exited(0))]),
    },
    expected: `create POD, attempt 1, because message m2 changes the pod\n${bothCreating}`,
  },
  {
    name: "a restart message stops the whole pod with its sandbox",
    situation: { desired: { ...desired, generation: 1 }, observed: whole, history: seen(whole), images },
    expected: [
      "stop a (a-id-of-atte) within 30 s, because message m2 asks for a restart",
      "stop b (b-id-of-atte) within 30 s, because message m2 asks for a restart",
      "stop POD (POD-id-of-at) within 30 s, because message m2 asks for a restart",
    ].join("\n"),
  },
  {
    name: "a renamed container stops when the image of the new one is present",
    situation: {
      desired: desiredPod({ containers: ["a", "c"] }),
      images: { a: "sha256:app", c: "sha256:app" },
      observed: whole,
      history: seen(whole),
    },
    expected: "stop b (b-id-of-atte) within 30 s, because message m2 no longer has it\nc waits: ContainerCreating",
  },
  {
    name: "a container that an update dropped is removed after it stopped",
    situation: {
      desired: desiredPod({ containers: ["a", "c"] }),
      images: { a: "sha256:app", c: "sha256:app" },
      observed: [sandboxOf(pod, running()), joined("a", running()), joined("b", exited(0))],
    },
    expected: [
      "remove b (b-id-of-atte), because message m2 no longer has it",
      "create c, attempt 0, because the pod is new",
      "c waits: ContainerCreating",
    ].join("\n"),
  },
  {
    name: "an update from one container to two looks up both images first",
    situation: {
      desired,
      observed: [container(alone, running(), { container: "a" })],
      history: { a: historyOf(alone, {}, "a") },
    },
    expected: "look up image sha256:app for a, because message m2 changes the pod\nb waits: ContainerCreating",
  },
  {
    name: "an update from one container to two stops the one",
    situation: { desired, images, observed: [container(alone, running(), { container: "a" })] },
    expected: "stop a (a-id-of-atte) within 30 s, because message m2 changes the pod\nb waits: ContainerCreating",
  },
  {
    name: "an update from one container to two then creates the sandbox",
    situation: {
      desired,
      images: { ...images, ...ownImage },
      observed: [container(alone, exited(0), { container: "a" })],
    },
    expected: `create POD, attempt 0, because the pod is new\n${bothCreating}`,
  },
  {
    name: "an update from two containers to one stops all, the sandbox last",
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
    name: "an update from two containers to one removes the dropped container before the sandbox",
    situation: {
      desired: desiredPod({ containers: ["a"] }),
      images,
      observed: [sandboxOf(pod, exited(0)), joined("a", exited(0)), joined("b", exited(0))],
      history: seen([sandboxOf(pod, exited(0)), joined("a", exited(0)), joined("b", exited(0))]),
    },
    expected: [
      "remove b (b-id-of-atte), because message m2 no longer has it",
      "create a, attempt 1, because message m2 changes the pod",
      "a waits: ContainerCreating",
    ].join("\n"),
  },
  {
    name: "a deleted pod stops its containers, then the sandbox",
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
    name: "a deleted pod that stopped removes its containers, then the sandbox",
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
