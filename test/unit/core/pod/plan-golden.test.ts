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
    "a container under pull policy Always that ends uses the image pulled for its specification": {
      desired: always,
      observed: [container(always.pod, exited(1))],
      history: ended(1, 1, pulled, always.pod),
    },
    "a pinned image that was removed from the device is pulled again by name": {
      desired,
      images: { app: null },
      observed: [container(pod, exited(1))],
      history: ended(1, 1),
    },
    "a failed pull is retried when its wait is over": {
      desired,
      images: { app: null },
      history: { app: historyOf(pod, failed("ErrImagePull", unreachable, 1, 11)) },
    },
    "a pull that failed often is retried within five minutes": {
      desired,
      history: { app: historyOf(pod, failed("ErrImagePull", unreachable, 40, 0)) },
    },
    "an update whose image cannot be pulled does not touch the running container": {
      desired: newer,
      images: { app: null },
      observed: [container(pod, running())],
      history: { app: historyOf(pod, failed("ErrImagePull", unreachable, 2, 5, newer)) },
    },
    "a container whose image cannot be pulled does not delay the other container": {
      desired: pair,
      images: { a: "sha256:app" },
      observed: [sandbox],
      history: { b: pairFailed },
    },
  },
  "Config maps": {
    "a container waits for a missing config map and names it": {
      desired,
      images: here,
      history: { app: historyOf(pod, failed("CreateContainerConfigError", 'configmap "settings" not found', 1, 2)) },
    },
    "a container whose config map stays missing is checked within 40 s": {
      desired,
      images: here,
      history: { app: historyOf(pod, failed("CreateContainerConfigError", 'configmap "settings" not found', 9, 0)) },
    },
    "it has arrived, which ends the wait": { desired, images: here, history: { app: historyOf(pod) } },
  },
  "Stopping and restarting": {
    "an update comes while the container is being stopped for an earlier one: the stop goes on under the newer message":
      {
        desired: { ...newer, request: "message m5" },
        images: here,
        observed: [container(pod, running())],
        history: { app: historyOf(pod) },
      },
    "a container that stopped for an update is created from the newest specification": {
      desired: { ...newer, request: "message m5" },
      images: here,
      observed: [container(pod, exited(0))],
      history: ended(0, 1),
    },
    "an update with a new uid does not restart the grace period of the deleted pod": {
      desired: other,
      terminating: [terminatingPod("deleted", { sinceMs: 12_000 })],
      observed: [container(pod, running())],
    },
    "an update of a uid that is being deleted removes the old container first": {
      desired: { ...desired, generation: 1 },
      terminating: [terminatingPod("deleted", { sinceMs: 12_000 })],
      observed: [container(pod, running())],
    },
    "a delete during a pull stops the pull": {
      terminating: [terminatingPod("deleted")],
      images: { app: null },
    },
    "a delete during the pull of an update stops the running container": {
      terminating: [terminatingPod("deleted")],
      images: { app: null },
      observed: [container(pod, running())],
    },
    "a delete during the pull of a new uid forgets that one, then stops the older pod": {
      terminating: [terminatingPod("replaced"), terminatingPod("deleted", { uid: "u2" })],
      observed: [container(pod, running())],
    },
    "a delete that arrives twice has nothing to do the second time": {
      terminating: [{ ...terminatingPod("deleted"), pod: null, id: { ...pod.id, uid: "" } }],
    },
    "a container that still runs after its grace period is killed": {
      terminating: [terminatingPod("deleted", { sinceMs: 31_000 })],
      observed: [container(pod, running())],
    },
    "a restart message ends a back-off": {
      desired: { ...desired, generation: 1 },
      images: here,
      observed: [dies],
      history: ended(1, 5, loop),
    },
    "a restart message runs a finished job again": {
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
    "a container waits for the missing manager node of NPUs": {
      desired: npu,
      images: here,
      npus: { present: ["davinci0"], missing: "/dev/davinci_manager", holders: [] },
    },
    "a device without NPUs": { desired: npu, images: here, npus: noNpus },
  },
  "Back-off, reboots and clocks": {
    "five restarts in a row double the back-off": {
      desired,
      images: here,
      observed: [container(pod, exited(1), { attempt: 5 })],
      history: ended(1, 20, { attempt: 5, backoffLevel: 5 }),
    },
    "a clock that jumps from 1970 to today keeps the rest of a wait": {
      desired,
      images: here,
      observed: [dies],
      now: at("2026-11-22T12:00:00Z"),
      history: ended(1, 5, { ...loop, diedAt: at("1970-01-01T00:01:00Z", { mono: pods.now.mono - 5_000 }) }),
    },
    "a clock that jumps back to 1970 keeps the rest of a wait": {
      desired,
      images: here,
      observed: [dies],
      now: at("1970-01-01T00:00:10Z"),
      history: ended(1, 5, loop),
    },
    "a boot with the clock at 1970 ends a wait": {
      desired,
      images: here,
      observed: [dies],
      now: at("1970-01-01T00:00:10Z", { mono: 20_000, bootId: "boot-2" }),
      history: ended(1, 5, loop),
    },
    "a clock that jumps keeps the wait of a pull": {
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
