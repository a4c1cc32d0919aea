import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerStatus, PodStatus } from "../../../../src/core/pod/pod-status.ts";
import type { AcceptedPod, Probe } from "../../../../src/core/pod/spec.ts";
import { podStatus, type StatusInput } from "../../../../src/core/pod/status.ts";
import {
  acceptedPod,
  container,
  exited,
  historyOf,
  now,
  running,
  termination,
  withSpec,
} from "../../../samples/pods.ts";

const probe: Probe = {
  httpGet: { path: "/ready", port: 8080, scheme: "HTTP" },
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
};
const plain = acceptedPod();
const probed = ((): AcceptedPod => {
  const containers = plain.spec.containers.map((one) => ({ ...one, readinessProbe: probe }));
  return withSpec(plain, { ...plain.spec, containers });
})();
const id = "app-id-of-attempt-0";

function statusOf(input: Partial<StatusInput>): PodStatus {
  const pod = input.pod ?? probed;
  return podStatus({
    pod,
    acceptedAtWall: now.wall,
    history: { app: historyOf(pod) },
    observed: [container(pod, running())],
    waiting: {},
    probes: {},
    termination: "none",
    previous: null,
    hostIp: "10.0.0.1",
    nowWall: now.wall,
    ...input,
  });
}

function shown(status: PodStatus): string {
  const [one] = status.containerStatuses as readonly [ContainerStatus];
  const conditions = status.conditions.filter(({ type }) => type === "Ready" || type === "ContainersReady");
  return [`${status.phase} ready=${one.ready} started=${one.started}`, ...conditions.map((c) => c.status)].join(" ");
}

const good = { [id]: { ready: true, live: true, why: "" } };
const bad = { [id]: { ready: false, live: true, why: "" } };
const unknown = { [id]: { ready: null, live: true, why: "" } };
const wasReady = statusOf({ probes: good });
const wasUnready = statusOf({ probes: bad });

const table: readonly (readonly [string, Partial<StatusInput>, string])[] = [
  [
    "a running container without a readiness probe is ready",
    { pod: plain },
    "Running ready=true started=true True True",
  ],
  ["a container that was not probed yet is not ready", {}, "Running ready=false started=true False False"],
  [
    "a container without a verdict yet is not ready",
    { probes: unknown },
    "Running ready=false started=true False False",
  ],
  ["a good result makes a container ready", { probes: good }, "Running ready=true started=true True True"],
  ["three failures make a container not ready", { probes: bad }, "Running ready=false started=true False False"],
  [
    "a restart of the agent keeps a container ready",
    { probes: unknown, previous: wasReady },
    "Running ready=true started=true True True",
  ],
  [
    "a restart of the agent keeps a container not ready",
    { previous: wasUnready },
    "Running ready=false started=true False False",
  ],
  [
    "three failures after a restart of the agent make a container not ready",
    { probes: bad, previous: wasReady },
    "Running ready=false started=true False False",
  ],
  [
    "a new container does not inherit the readiness of the one before",
    { previous: wasReady, observed: [container(probed, running(), { attempt: 1 })] },
    "Running ready=false started=true False False",
  ],
  [
    "a container that ended is not ready despite a good result",
    {
      probes: good,
      observed: [container(probed, exited(1))],
      history: { app: historyOf(probed, { termination: termination(1) }) },
    },
    "Running ready=false started=false False False",
  ],
  [
    "a terminating container keeps its readiness without further probes",
    { termination: "terminating", previous: wasReady },
    "Running ready=true started=true True True",
  ],
];

for (const [name, input, expected] of table) {
  test(`readiness: ${name}`, () => assert.equal(shown(statusOf(input)), expected));
}

test("the Ready condition names the containers that are not ready, with the time of the change", () => {
  const later = now.wall + 60_000;
  const status = statusOf({ probes: bad, previous: wasReady, nowWall: later });
  const ready = status.conditions.find(({ type }) => type === "Ready");
  assert.deepEqual(ready, {
    type: "Ready",
    status: "False",
    lastProbeTime: null,
    lastTransitionTime: "2026-11-22T12:01:00Z",
    reason: "ContainersNotReady",
    message: "containers with unready status: [app]",
  });
});
