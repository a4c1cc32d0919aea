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
