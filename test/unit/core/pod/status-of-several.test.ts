import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodHistory } from "../../../../src/core/pod/container-history.ts";
import { podHash, sandboxName } from "../../../../src/core/pod/identity.ts";
import type { ObservedContainer } from "../../../../src/core/pod/observed.ts";
import type { ContainerStatus, Phase, PodStatus } from "../../../../src/core/pod/pod-status.ts";
import type { Waiting } from "../../../../src/core/pod/situation.ts";
import type { RestartPolicy } from "../../../../src/core/pod/spec.ts";
import { phaseOf, podStatus } from "../../../../src/core/pod/status.ts";
import { acceptedPod, container, historyOf, now, running, termination } from "../../../samples/pods.ts";

const policies = ["Always", "OnFailure", "Never"] as const;

const terminatedState = (exitCode: number) => ({
  terminated: { exitCode, reason: "x", startedAt: null, finishedAt: null, containerID: "docker://x" },
});

/** What a container can be: run, wait for the first time, wait after an end, have ended with 0 or with 1. */
const kinds = {
  runs: { state: { running: { startedAt: "" } }, lastState: {} },
  waits: { state: { waiting: { reason: "ContainerCreating" } }, lastState: {} },
  backsOff: { state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: terminatedState(1) },
  done: { state: terminatedState(0), lastState: {} },
  failed: { state: terminatedState(1), lastState: {} },
} as const;
type Kind = keyof typeof kinds;

function statusOf(kind: Kind, index: number): ContainerStatus {
  return {
    name: `c${index}`,
    ready: kind === "runs",
    started: kind === "runs",
    restartCount: 0,
    image: "",
    imageID: "",
    ...kinds[kind],
  };
}

/** Phases under Always, OnFailure and Never. */
const phases: readonly (readonly [readonly Kind[], Phase, Phase, Phase])[] = [
  [["runs", "runs"], "Running", "Running", "Running"],
  [["runs", "waits"], "Pending", "Pending", "Pending"],
  [["done", "waits"], "Pending", "Pending", "Pending"],
  [["failed", "waits", "runs"], "Pending", "Pending", "Pending"],
  [["runs", "done"], "Running", "Running", "Running"],
  [["runs", "failed"], "Running", "Running", "Running"],
  [["runs", "failed", "done"], "Running", "Running", "Running"],
  [["runs", "backsOff"], "Running", "Running", "Pending"],
  [["backsOff", "done"], "Running", "Running", "Pending"],
  [["done", "done"], "Running", "Succeeded", "Succeeded"],
  [["done", "failed"], "Running", "Running", "Failed"],
  [["failed", "failed", "failed"], "Running", "Running", "Failed"],
];

describe("The phase of a pod of several containers", () => {
  for (const [mixture, ...expected] of phases) {
    for (const [index, policy] of policies.entries()) {
      it(`${mixture.join(" and ")} under ${policy}: ${expected[index]}`, () => {
        assert.equal(phaseOf(mixture.map(statusOf), policy), expected[index]);
        assert.equal(phaseOf(mixture.toReversed().map(statusOf), policy), expected[index], "in whatever order");
      });
    }
  }
});

interface Part {
  readonly name: string;
  readonly is: "runs" | "ended" | "waits";
  readonly exitCode?: number;
  readonly attempt?: number;
}

function reported(policy: RestartPolicy, parts: readonly Part[], sandbox: "runs" | "gone" = "runs"): PodStatus {
  const pod = acceptedPod({ policy, containers: parts.map(({ name }) => name) });
  const hash = podHash(pod.spec);
  const made = { podHash: hash, specHash: hash };
  const observed: ObservedContainer[] = [];
  const history: Record<string, PodHistory[string]> = {
    POD: { ...historyOf(pod, {}, sandboxName), ...made, attempt: 3 },
  };
  const waiting: Record<string, Waiting> = {};
  if (sandbox === "runs") {
    observed.push(container(pod, running(), { container: sandboxName, attempt: 3, ip: "172.17.0.9", ...made }));
  }
  for (const { name, is, exitCode = 0, attempt = 0 } of parts) {
    if (is === "runs") observed.push(container(pod, running(), { container: name, attempt, sandboxId: "s" }));
    if (is === "waits") waiting[name] = { reason: "ContainerCreating" };
    history[name] = historyOf(pod, { attempt, termination: is === "ended" ? termination(exitCode) : null }, name);
  }
  return podStatus({
    pod,
    history,
    observed,
    waiting,
    acceptedAtWall: now.wall,
    nowWall: now.wall,
    termination: "none",
    probes: {},
    previous: null,
    hostIp: "10.0.0.5",
  });
}

function conditionsOf(status: PodStatus): Readonly<Record<string, string>> {
  return Object.fromEntries(
    status.conditions.map(({ type, status: is, reason = "", message = "" }) => [
      type,
      [is, reason, message].filter((text) => text !== "").join(" "),
    ]),
  );
}

describe("The status of a pod of several containers", () => {
  it("has the address of the sandbox but does not list the sandbox", () => {
    const status = reported("Always", [
      { name: "a", is: "runs" },
      { name: "b", is: "runs", attempt: 2 },
    ]);
    assert.deepEqual([status.podIP, status.hostIP, status.phase], ["172.17.0.9", "10.0.0.5", "Running"]);
    assert.deepEqual(
      status.containerStatuses.map(({ name, restartCount, ready }) => [name, restartCount, ready]),
      [
        ["a", 0, true],
        ["b", 2, true],
      ],
    );
    assert.deepEqual(conditionsOf(status), {
      Initialized: "True",
      Ready: "True",
      ContainersReady: "True",
      PodScheduled: "True",
    });
  });

  it("names the containers that are not ready, in the pod's order", () => {
    const status = reported("Always", [
      { name: "c", is: "waits" },
      { name: "a", is: "runs" },
      { name: "b", is: "waits" },
    ]);
    const words = "False ContainersNotReady containers with unready status: [c b]";
    const { Ready, ContainersReady } = conditionsOf(status);
    assert.deepEqual([status.phase, Ready, ContainersReady], ["Pending", words, words]);
  });

  it("stays Running under Never until the last one stops, and counts every exit code then", () => {
    const parts = (last: Part) =>
      reported("Never", [{ name: "a", is: "ended", exitCode: 0 }, { name: "b", is: "ended", exitCode: 1 }, last]);
    assert.equal(parts({ name: "c", is: "runs" }).phase, "Running");
    const over = parts({ name: "c", is: "ended" });
    assert.equal(over.phase, "Failed");
    assert.equal(conditionsOf(over)["Ready"], "False PodFailed");
    const well = reported("Never", [
      { name: "a", is: "ended" },
      { name: "b", is: "ended" },
    ]);
    assert.equal(well.phase, "Succeeded");
    assert.deepEqual(
      [conditionsOf(well)["Initialized"], conditionsOf(well)["Ready"]],
      ["True PodCompleted", "False PodCompleted"],
    );
  });

  it("has the sandbox's address while the sandbox runs, although none of its containers does", () => {
    const status = reported("OnFailure", [
      { name: "a", is: "ended" },
      { name: "b", is: "waits" },
    ]);
    assert.equal(status.podIP, "172.17.0.9");
  });

  it("has no address when the sandbox is gone", () => {
    assert.equal(
      reported(
        "Always",
        [
          { name: "a", is: "runs" },
          { name: "b", is: "runs" },
        ],
        "gone",
      ).podIP,
      undefined,
    );
  });
});
