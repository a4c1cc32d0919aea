import assert from "node:assert/strict";
import { test } from "node:test";
import {
  acceptedPod,
  ago,
  container,
  desiredPod,
  exited,
  historyOf,
  running,
  termination,
} from "../../../samples/pods.ts";
import { type PlanGolden, planText } from "./plan-text.ts";

const pod = acceptedPod();
const desired = desiredPod();
const created = { kind: "created" } as const;
const here = { app: "sha256:app" };
const newer = desiredPod({ image: "app:2" });
const unhealthy = { ready: null, live: false, why: "liveness probe failed: exit code 1" };

const goldens: readonly PlanGolden[] = [
  { name: "a name without a pod or a container needs nothing", situation: {}, expected: "" },
  {
    name: "a new pod has its image looked up first",
    situation: { desired },
    expected: "look up image app:1 for app, because the pod is new\napp waits: ContainerCreating",
  },
  {
    name: "a new pod whose image is missing pulls it",
    situation: { desired, images: { app: null } },
    expected:
      "pull app:1 for app, because the pod is new, and its image is not on this device\napp waits: ContainerCreating",
  },
  {
    name: "a new pod whose image is present is created",
    situation: { desired, images: here },
    expected: "create app, attempt 0, because the pod is new\napp waits: ContainerCreating",
  },
  {
    name: "a new pod with pull policy Always pulls although the image is present",
    situation: { desired: desiredPod({ pull: "Always" }), images: here },
    expected: "pull app:1 for app, because the pod is new\napp waits: ContainerCreating",
  },
  {
    name: "a created container is started, also one created before a crash of the agent",
    situation: { desired, observed: [container(pod, created)], history: { app: historyOf(pod) } },
    expected: "start app (app-id-of-at), because it is created and not started yet\napp waits: ContainerCreating",
  },
  {
    name: "a running container that matches its pod is adopted without a call",
    situation: { desired, observed: [container(pod, running())], history: {} },
    expected: "",
  },
  {
    name: "a container under Always restarts at once after its first end",
    situation: {
      desired,
      images: here,
      observed: [container(pod, exited(1))],
      history: { app: historyOf(pod, { termination: termination(1), diedAt: ago(1_000) }) },
    },
    expected: "create app, attempt 1, because it ended with code 1\napp waits: ContainerCreating",
  },
  {
    name: "a container under Always waits the rest of a 20 s back-off after its third end",
    situation: {
      desired,
      images: here,
      observed: [container(pod, exited(1), { attempt: 2 })],
      history: {
        app: historyOf(pod, { attempt: 2, termination: termination(1), backoffLevel: 2, diedAt: ago(5_000) }),
      },
    },
    expected:
      "app waits: CrashLoopBackOff: back-off 20s restarting failed container=app pod=web_websocket(u1)\nlook again in 15 s",
  },
  {
    name: "a back-off ends with a reboot, and the pinned image is used",
    situation: {
      desired,
      observed: [container(pod, exited(1), { attempt: 2 })],
      history: {
        app: historyOf(pod, {
          attempt: 2,
          termination: termination(1),
          backoffLevel: 6,
          diedAt: { ...ago(5_000), bootId: "boot-0" },
        }),
      },
    },
    expected: "look up image sha256:app for app, because it ended with code 1\napp waits: ContainerCreating",
  },
  ...(["OnFailure", "Never"] as const).map(
    (policy): PlanGolden => ({
      name: `a container under ${policy} that ended with 0 is done`,
      situation: {
        desired: desiredPod({ policy }),
        images: here,
        observed: [container(acceptedPod({ policy }), exited(0))],
        history: { app: historyOf(acceptedPod({ policy }), { termination: termination(0), diedAt: ago(1_000) }) },
      },
      expected: "",
    }),
  ),
  {
    name: "a container under Never that ended with 1 is done",
    situation: {
      desired: desiredPod({ policy: "Never" }),
      images: here,
      observed: [container(acceptedPod({ policy: "Never" }), exited(1))],
      history: {
        app: historyOf(acceptedPod({ policy: "Never" }), { termination: termination(1), diedAt: ago(1_000) }),
      },
    },
    expected: "",
  },
  {
    name: "a container under OnFailure that ended with 0 in a power cut is created again",
    situation: {
      desired: desiredPod({ policy: "OnFailure" }),
      images: here,
      observed: [container(acceptedPod({ policy: "OnFailure" }), exited(0))],
      history: {
        app: historyOf(acceptedPod({ policy: "OnFailure" }), {
          termination: termination(0, { interrupted: true }),
          diedAt: ago(1_000),
        }),
      },
    },
    expected: "create app, attempt 1, because the engine or the device stopped it\napp waits: ContainerCreating",
  },
  {
    name: "a changed image is looked up while the old container runs",
    situation: { desired: newer, observed: [container(pod, running())], history: { app: historyOf(pod) } },
    expected: "look up image app:2 for app, because message m2 changes the container",
  },
  {
    name: "a changed image that is missing is pulled while the old container runs",
    situation: {
      desired: newer,
      observed: [container(pod, running())],
      history: { app: historyOf(pod) },
      images: { app: null },
    },
    expected:
      "pull app:2 for app, because message m2 changes the container, and its image is not on this device\nthe update of app waits: ContainerCreating",
  },
  {
    name: "a changed image that is present stops the old container",
    situation: {
      desired: newer,
      observed: [container(pod, running())],
      history: { app: historyOf(pod) },
      images: here,
    },
    expected: "stop app (app-id-of-at) within 30 s, because message m2 changes the container",
  },
  {
    name: "a restart message replaces a container although nothing else changed",
    situation: {
      desired: desiredPod({ generation: 1 }),
      observed: [container(pod, running())],
      history: { app: historyOf(pod) },
      images: here,
    },
    expected: "stop app (app-id-of-at) within 30 s, because message m2 asks for a restart",
  },
  {
    name: "a failed liveness probe stops the container although an update waits",
    situation: {
      desired: newer,
      observed: [container(pod, running())],
      history: { app: historyOf(pod) },
      images: { app: null },
      probes: { "app-id-of-attempt-0": unhealthy },
    },
    expected: "stop app (app-id-of-at) within 30 s, because liveness probe failed: exit code 1",
  },
  {
    name: "a failed liveness probe of an earlier attempt has no effect",
    situation: {
      desired,
      observed: [container(pod, running(), { attempt: 1 })],
      history: { app: historyOf(pod, { attempt: 1 }) },
      probes: { "app-id-of-attempt-0": unhealthy },
    },
    expected: "",
  },
  {
    name: "a container stopped for its liveness probe is created again as after any end",
    situation: {
      desired,
      images: here,
      observed: [container(pod, exited(137))],
      probes: {},
      history: { app: historyOf(pod, { termination: termination(137), diedAt: ago(1_000) }) },
    },
    expected: "create app, attempt 1, because it ended with code 137\napp waits: ContainerCreating",
  },
  {
    name: "a container that starts late, after its replacement, is stopped",
    situation: {
      desired,
      history: { app: historyOf(pod, { attempt: 1 }) },
      observed: [container(pod, running()), container(pod, running(), { attempt: 1 })],
    },
    expected: "stop app (app-id-of-at) within 30 s, because a newer attempt has replaced it",
  },
  {
    name: "dead containers before the last one are removed",
    situation: {
      desired,
      history: { app: historyOf(pod, { attempt: 2 }) },
      observed: [
        container(pod, exited(1)),
        container(pod, exited(1), { attempt: 1 }),
        container(pod, running(), { attempt: 2 }),
      ],
    },
    expected: "remove app (app-id-of-at), because a newer attempt has replaced it",
  },
];

for (const { name, situation, expected } of goldens) {
  test(name, () => assert.equal(planText(situation), expected));
}
