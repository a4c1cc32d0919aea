import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { ContainerHistory, Failure, Moment } from "../../../../src/core/pod/container-history.ts";
import type { Situation } from "../../../../src/core/pod/situation.ts";
import type { RestartPolicy } from "../../../../src/core/pod/spec.ts";
import { wantedKey } from "../../../../src/core/pod/wanted.ts";
import * as pods from "../../../samples/pods.ts";
import { noNpus, planText } from "./plan-text.ts";
import { situationText } from "./situation-text.ts";

const { ago, container, desiredPod, exited, historyOf, terminatingPod, running, termination } = pods;
const desired = desiredPod();
const { pod } = desired;
const spec = pod.spec.containers[0] ?? assert.fail();
const here = { app: "sha256:app" };
const newer = desiredPod({ image: "app:2" });
const other = desiredPod({ uid: "u2" });

const ended = (code: number, secondsAgo: number, changes: Partial<ContainerHistory> = {}, of = pod) => ({
  app: historyOf(of, { termination: termination(code), diedAt: ago(secondsAgo * 1000), ...changes }),
});
const failed = (reason: string, message: string, count: number, secondsAgo: number, of = desired) => {
  const failure: Failure = {
    reason,
    message,
    count,
    containerId: null,
    at: ago(secondsAgo * 1000),
    wanted: wantedKey(of, of.pod.spec.containers[0] ?? assert.fail()),
  };
  return { failure };
};
const unreachable = "the registry cannot be reached";
const dies = container(pod, exited(1), { attempt: 3 });
const loop = { attempt: 3, backoffLevel: 3 };
const at = (date: string, changes: Partial<Moment> = {}): Moment => ({
  ...pods.now,
  wall: Date.parse(date),
  ...changes,
});

/** A container of this policy that was killed for its memory. */
function outOfMemory(policy: RestartPolicy): Partial<Situation> {
  const wanted = desiredPod({ policy });
  const how = { termination: termination(137, { reason: "OOMKilled" }) };
  const observed = [container(wanted.pod, exited(137, ago(1_000), true))];
  return { desired: wanted, images: here, observed, history: ended(137, 1, how, wanted.pod) };
}

const always = desiredPod({ pull: "Always" });
const { specHash } = historyOf(always.pod);
const pulled = { pinnedImage: { name: spec.image, id: "sha256:app", pulledFor: specHash } };
const pair = desiredPod({ containers: ["a", "b"] });
const sandbox = container(pair.pod, running(), { container: "POD", specHash: pair.pod.hashes.pod });
const pairFailed = historyOf(
  pair.pod,
  { failure: { ...failed("ErrImagePull", unreachable, 1, 3).failure, wanted: wantedKey(pair, { name: "b" }) } },
  "b",
);
const npu = {
  ...desired,
  pod: {
    ...pod,
    spec: { ...pod.spec, containers: [{ ...spec, resources: { limits: { npu: "1" }, requests: {} } }] },
  },
};

/** By chapter, without the cases of plan.test.ts, sandbox-plan.test.ts and the other tests of plans beside them. */
const chapters: Readonly<Record<string, Readonly<Record<string, Partial<Situation>>>>> = {
  Images: {
    "Always, and the container ends: its image was pulled for this specification, so the registry is not asked again": {
      desired: always,
      observed: [container(always.pod, exited(1))],
      history: ended(1, 1, pulled, always.pod),
    },
    "the pinned image has been removed from the device: its name is pulled again": {
      desired,
      images: { app: null },
      observed: [container(pod, exited(1))],
      history: ended(1, 1),
    },
    "a failed pull is tried again when its wait is over": {
      desired,
      images: { app: null },
      history: { app: historyOf(pod, failed("ErrImagePull", unreachable, 1, 11)) },
    },
    "however often a pull has failed, the next one comes within five minutes": {
      desired,
      history: { app: historyOf(pod, failed("ErrImagePull", unreachable, 40, 0)) },
    },
    "the image of an update cannot be pulled: what runs is not touched": {
      desired: newer,
      images: { app: null },
      observed: [container(pod, running())],
      history: { app: historyOf(pod, failed("ErrImagePull", unreachable, 2, 5, newer)) },
    },
    "one container's image cannot be pulled: the other one is made": {
      desired: pair,
      images: { a: "sha256:app" },
      observed: [sandbox],
      history: { b: pairFailed },
    },
  },
  "Config maps": {
    "a config map is not here yet: the container waits and says for which": {
      desired,
      images: here,
      history: { app: historyOf(pod, failed("CreateContainerConfigError", 'configmap "settings" not found', 1, 2)) },
    },
    "it still is not: looked at again within 40 s at most": {
      desired,
      images: here,
      history: { app: historyOf(pod, failed("CreateContainerConfigError", 'configmap "settings" not found', 9, 0)) },
    },
    "it has arrived, which ends the wait": { desired, images: here, history: { app: historyOf(pod) } },
  },
  "Stopping and restarting": {
    "an update comes while the container is being stopped for an earlier one: the stop goes on under the newer message":
      {
        desired: { ...newer, messageId: "m5" },
        images: here,
        observed: [container(pod, running())],
        history: { app: historyOf(pod) },
      },
    "it has stopped: the newest specification is made": {
      desired: { ...newer, messageId: "m5" },
      images: here,
      observed: [container(pod, exited(0))],
      history: ended(0, 1),
    },
    "an update under a new uid comes while the pod is being deleted: its grace is not begun anew": {
      desired: other,
      terminating: [terminatingPod("deleted", { sinceMs: 12_000 })],
      observed: [container(pod, running())],
    },
    "the same uid comes again while it is being deleted: the old container goes first": {
      desired: { ...desired, generation: 1 },
      terminating: [terminatingPod("deleted", { sinceMs: 12_000 })],
      observed: [container(pod, running())],
    },
    "a delete while the image is being pulled: nothing is pulled any more": {
      terminating: [terminatingPod("deleted")],
      images: { app: null },
    },
    "a delete while the image of an update is being pulled: what still runs stops": {
      terminating: [terminatingPod("deleted")],
      images: { app: null },
      observed: [container(pod, running())],
    },
    "a delete while a new uid pulls its image: that one is let go of, then the older pod goes": {
      terminating: [terminatingPod("replaced"), terminatingPod("deleted", { uid: "u2" })],
      observed: [container(pod, running())],
    },
    "a delete that arrives twice: the second one finds nothing to do": {
      terminating: [{ ...terminatingPod("deleted"), pod: null, id: { ...pod.id, uid: "" } }],
    },
    "the grace period is over and the container still runs: killed": {
      terminating: [terminatingPod("deleted", { sinceMs: 31_000 })],
      observed: [container(pod, running())],
    },
    "a restart message ends a back-off": {
      desired: { ...desired, generation: 1 },
      images: here,
      observed: [dies],
      history: ended(1, 5, loop),
    },
    "a restart message makes a job run again that was done": {
      desired: { ...desiredPod({ policy: "Never" }), generation: 1 },
      images: here,
      observed: [container(pod, exited(0))],
      history: ended(0, 60),
    },
    "a container that failed its liveness probe under Never stays stopped": {
      desired: desiredPod({ policy: "Never" }),
      images: here,
      observed: [container(acceptedNever(), exited(137))],
      history: ended(137, 1, {}, acceptedNever()),
    },
  },
  "Resources and NPUs": {
    "Always, out of memory: restarted": outOfMemory("Always"),
    "OnFailure, out of memory: restarted": outOfMemory("OnFailure"),
    "Never, out of memory: that was it": outOfMemory("Never"),
    "the node that all NPUs need is not there: waited for": {
      desired: npu,
      images: here,
      npus: { present: ["davinci0"], missing: "/dev/davinci_manager", holders: [] },
    },
    "a device without NPUs": { desired: npu, images: here, npus: noNpus },
  },
  "Back-off, reboots and clocks": {
    "five restarts in a row": {
      desired,
      images: here,
      observed: [container(pod, exited(1), { attempt: 5 })],
      history: ended(1, 20, { attempt: 5, backoffLevel: 5 }),
    },
    "the clock jumps from 1970 to today: what is left of the wait stays": {
      desired,
      images: here,
      observed: [dies],
      now: at("2026-11-22T12:00:00Z"),
      history: ended(1, 5, { ...loop, diedAt: at("1970-01-01T00:01:00Z", { mono: pods.now.mono - 5_000 }) }),
    },
    "it jumps back to 1970: the same": {
      desired,
      images: here,
      observed: [dies],
      now: at("1970-01-01T00:00:10Z"),
      history: ended(1, 5, loop),
    },
    "the device has booted since, its clock is at 1970: no wait": {
      desired,
      images: here,
      observed: [dies],
      now: at("1970-01-01T00:00:10Z", { mono: 20_000, bootId: "boot-2" }),
      history: ended(1, 5, loop),
    },
    "a pull's wait over a jump of the clock": {
      desired,
      images: { app: null },
      now: at("1970-01-01T00:00:10Z"),
      history: { app: historyOf(pod, failed("ErrImagePull", unreachable, 2, 5)) },
    },
  },
};

function acceptedNever() {
  return pods.acceptedPod({ policy: "Never" });
}

test("the plans of all situations match the golden file", () => {
  const file = new URL("plans.golden.txt", import.meta.url);
  const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, "    ");
  const text = Object.entries(chapters)
    .map(([chapter, situations]) => {
      const plans = Object.entries(situations).map(([name, situation]) => {
        const then = planText(situation) || "nothing is done";
        return `${name}\n${indented(situationText(situation))}\n  so\n${indented(then)}\n`;
      });
      return `# ${chapter}\n\n${plans.join("\n")}`;
    })
    .join("\n");
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  assert.equal(text, readFileSync(file, "utf8"));
});
