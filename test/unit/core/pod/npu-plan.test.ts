import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptedPod, ago, container, desiredPod, historyOf, running, termination } from "../../../samples/pods.ts";
import { type PlanGolden, planText } from "./plan-text.ts";

const pod = acceptedPod();
const desired = desiredPod();
const here = { app: "sha256:app" };

const hungry: typeof desired = {
  ...desired,
  pod: {
    ...pod,
    spec: {
      ...pod.spec,
      containers: pod.spec.containers.map((one) => ({ ...one, resources: { limits: { npu: "2" }, requests: {} } })),
    },
  },
};
const present = ["davinci0", "davinci1", "davinci2"];
const holder = { pod: { namespace: "websocket", name: "other", uid: "u9" }, container: "app" };

const goldens: readonly PlanGolden[] = [
  {
    name: "NPUs are chosen last, when the image is present",
    situation: { desired: hungry, npus: { present, missing: null, holders: [] } },
    expected: "look up image app:1 for app, because the pod is new\napp waits: ContainerCreating",
  },
  {
    name: "a container is created with the lowest free NPUs",
    situation: {
      desired: hungry,
      images: here,
      npus: { present, missing: null, holders: [{ ...holder, npu: "davinci1" }] },
    },
    expected:
      "create app, attempt 0, with davinci0, with davinci2, because the pod is new\napp waits: ContainerCreating",
  },
  {
    name: "a container waits for an NPU that another container holds",
    situation: {
      desired: hungry,
      images: here,
      npus: { present: present.slice(1), missing: null, holders: [{ ...holder, npu: "davinci1" }] },
    },
    expected:
      "app waits: ContainerCreating: It needs 2 NPUs, and 1 is free: davinci1 is held by websocket/other/app\nlook again in 5 s",
  },
  {
    name: "a running container is kept when its NPUs disappear",
    situation: {
      desired: hungry,
      history: { app: historyOf(hungry.pod) },
      observed: [container(hungry.pod, running(), { npus: ["davinci0", "davinci1"] })],
      npus: { present: [], missing: "/dev/davinci_manager", holders: [] },
    },
    expected: "",
  },
  {
    name: "a container that ended waits until its NPUs are back",
    situation: {
      desired: hungry,
      images: here,
      history: { app: historyOf(hungry.pod, { termination: termination(1), diedAt: ago(60_000) }) },
      npus: { present: ["davinci1"], missing: null, holders: [{ npu: "davinci0", pod: pod.id, container: "app" }] },
    },
    expected:
      "app waits: ContainerCreating: It needs 2 NPUs, and 1 is free: davinci0 is not there any more\nlook again in 5 s",
  },
];

for (const { name, situation, expected } of goldens) {
  test(name, () => assert.equal(planText(situation), expected));
}
