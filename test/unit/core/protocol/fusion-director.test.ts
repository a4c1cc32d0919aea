import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerState, ContainerStatus, PodStatus } from "../../../../src/core/pod/pod-status.ts";
import { formatTime } from "../../../../src/core/pod/time.ts";
import { fusionDirectorStatus } from "../../../../src/core/protocol/fusion-director.ts";

const wall = 1_700_000_000_000;
const minute = 60_000;

const running: ContainerState = { running: { startedAt: formatTime(wall) } };
const waits = (reason: string, message?: string): ContainerState => ({
  waiting: { reason, ...(message !== undefined && { message }) },
});
const ended = (exitCode: number): ContainerState => ({
  terminated: {
    exitCode,
    reason: exitCode === 0 ? "Completed" : "Error",
    startedAt: null,
    finishedAt: null,
    containerID: "docker://1",
  },
});

function container(state: ContainerState, more: Partial<ContainerStatus> = {}): ContainerStatus {
  const base = { name: "c", lastState: {}, ready: false, started: false, restartCount: 0, image: "i", imageID: "" };
  return { ...base, state, ...more };
}

function pod(containers: readonly ContainerStatus[], ageMs = 0, phase: PodStatus["phase"] = "Pending"): PodStatus {
  const startTime = formatTime(wall - ageMs);
  return { phase, conditions: [], startTime, qosClass: "BestEffort", containerStatuses: containers };
}

/** `phase reason`, then each container's state as `kind:exitCode:reason`. */
function told(status: PodStatus): string {
  const { phase, reason = "-", containerStatuses } = fusionDirectorStatus(status, wall);
  const states = containerStatuses.map(({ state: { running: runs, waiting, terminated } }) => {
    if (runs !== undefined) return "running";
    return waiting === undefined ? `ended:${terminated?.exitCode}:${terminated?.reason}` : `waits:${waiting.reason}`;
  });
  return [phase, reason, ...states].join(" ");
}

const crashLoop = container(waits("CrashLoopBackOff"), { lastState: ended(7), restartCount: 3 });
const rows: readonly (readonly [string, PodStatus, string])[] = [
  ["what runs is what runs", pod([container(running)], 0, "Running"), "Running - running"],
  ["an exit with 0 is no failure", pod([container(ended(0))], 0, "Succeeded"), "Succeeded - ended:0:Completed"],
  ["an exit with another code is", pod([container(ended(2))], 0, "Running"), "Failed Error ended:2:Error"],
  ["a failed pod keeps its own reason", pod([container(ended(2))], 0, "Failed"), "Failed - ended:2:Error"],
  ["waiting after a failure is that failure", pod([crashLoop], 0, "Running"), "Failed Error ended:7:Error"],
  [
    "waiting after an exit with 0 goes on waiting, however long",
    pod([container(waits("CrashLoopBackOff"), { lastState: ended(0), restartCount: 1 })], 60 * minute, "Running"),
    "Running - waits:CrashLoopBackOff",
  ],
  [
    "ten minutes are time enough",
    pod([container(waits("ImagePullBackOff"))], 10 * minute),
    "Pending - waits:ImagePullBackOff",
  ],
  [
    "more are not",
    pod([container(waits("ImagePullBackOff", "no such host"))], 10 * minute + 1_000),
    "Failed ContainerCreatingTimeout(ImagePullBackOff) ended:65535:ContainerCreatingTimeout(ImagePullBackOff)",
  ],
  [
    "a container that ran before is not timed out",
    pod([container(waits("ContainerCreating"), { restartCount: 1 })], 60 * minute, "Running"),
    "Running - waits:ContainerCreating",
  ],
  [
    "a reason with error in it is one, in any case",
    pod([container(waits("CreateContainerConfigError", "no user"))]),
    "Failed CreateContainerConfigError ended:65534:CreateContainerConfigError",
  ],
  ["ErrImagePull has no error in it", pod([container(waits("ErrImagePull"))]), "Pending - waits:ErrImagePull"],
  [
    "of two failures the first is told",
    pod([container(running), crashLoop, container(waits("RunContainerError"))], 0, "Running"),
    "Failed Error running ended:7:Error ended:65534:RunContainerError",
  ],
  ["a clock that was set back times nothing out", pod([container(waits("x"))], -60 * minute), "Pending - waits:x"],
];

for (const [name, status, expected] of rows) {
  test(`fusionDirectorStatus(): ${name}`, () => assert.equal(told(status), expected));
}

test("fusionDirectorStatus() shows the container's messages and removes the pod's own status", () => {
  const late = fusionDirectorStatus(pod([container(waits("ImagePullBackOff", "no such host"))], 11 * minute), wall);
  assert.equal(late.message, "timeout to create container: no such host");
  const silent = fusionDirectorStatus({ ...pod([container(ended(1))]), message: "before" }, wall);
  assert.equal("message" in silent, false);
  assert.deepEqual(silent.containerStatuses[0]?.state, ended(1));
});
