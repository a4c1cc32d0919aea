import assert from "node:assert/strict";
import { test } from "node:test";
import { podCause } from "../../../../src/core/pod/cause.ts";
import type { ContainerHistory } from "../../../../src/core/pod/container-history.ts";
import type { ObservedState } from "../../../../src/core/pod/observed.ts";
import type { Waiting } from "../../../../src/core/pod/situation.ts";
import type { Probe } from "../../../../src/core/pod/spec.ts";
import { podStatus } from "../../../../src/core/pod/status.ts";
import { acceptedPod, ago, container, historyOf, now, running, termination, withSpec } from "../../../samples/pods.ts";

const probe: Probe = {
  exec: { command: ["/bin/check"] },
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
};

interface Situation {
  readonly name: string;
  readonly history?: Partial<ContainerHistory>;
  readonly state?: ObservedState;
  readonly waiting?: Waiting;
  readonly readiness?: string;
  readonly containers?: readonly string[];
  /** reason, seconds to the next try, what to do. */
  readonly expected: readonly [reason: string | null, seconds: number | null, todo: RegExp | null];
}

const crashLoop = { reason: "CrashLoopBackOff", message: "back-off 40s restarting failed container=app pod=web" };
const died = { backoffLevel: 3, diedAt: ago(0) };
const failure = (reason: string, message: string, count = 1) => ({
  failure: { reason, message, count, wanted: "w", containerId: null, at: ago(0) },
});

const situations: readonly Situation[] = [
  { name: "a running container", state: running(), expected: [null, null, null] },
  {
    name: "repeated ends for lack of memory",
    history: { ...died, termination: termination(137, { reason: "OOMKilled" }) },
    waiting: crashLoop,
    expected: ["OOMKilled (limit 64Mi)", 40, /^Raise resources\.limits\.memory/],
  },
  {
    name: "a crash loop",
    history: { ...died, termination: termination(3, { message: "first line\nno such table: users\n" }) },
    waiting: crashLoop,
    expected: ["exit code 3: no such table: users", 40, /edge logs web$/],
  },
  {
    name: "repeated ends with exit code 0",
    history: { ...died, termination: termination(0) },
    waiting: crashLoop,
    expected: ["exit code 0, and the restart policy is Always", 40, /^If it is a job, .*edge logs web$/],
  },
  {
    name: "a failed liveness probe, whatever the exit code",
    history: { ...died, termination: termination(137, { stoppedBecause: "liveness probe failed: exit code 1" }) },
    waiting: crashLoop,
    expected: ["liveness probe failed: exit code 1", 40, /edge logs web.*probe's timeout/],
  },
  {
    name: "a program that the image does not have",
    history: {
      ...died,
      termination: termination(127, {
        reason: "ContainerCannotRun",
        message:
          'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/no": stat /no: no such file or directory: unknown',
      }),
    },
    waiting: crashLoop,
    expected: ['cannot run "/no": stat /no: no such file or directory', 40, /^Correct command and args/],
  },
  {
    name: "repeated kills for the groups of the image, whatever the exit code",
    history: {
      ...died,
      termination: termination(137, { reason: "GroupsDiffer", stoppedBecause: "Killed just after" }),
    },
    waiting: crashLoop,
    expected: ["Killed just after", 40, /^Set runAsGroup/],
  },
  {
    name: "a failing readiness probe",
    state: running(),
    readiness: "HTTP 503",
    expected: ["readiness failing since 12:00:00Z: HTTP 503", null, /edge logs web.*correct its path/],
  },
  {
    name: "a wrong registry password, without the text of the back-off",
    history: failure(
      "ErrImagePull",
      "Registry r:5000 rejected the user name or password in secret s, for image i: 401",
      3,
    ),
    waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "i": 401' },
    expected: [
      "Registry r:5000 rejected the user name or password in secret s, for image i: 401",
      40,
      /^Correct the user name and password in the secret/,
    ],
  },
  {
    name: "a hostPath that does not exist",
    history: failure("CreateContainerConfigError", "hostPath /data does not exist on this device; create it"),
    waiting: { reason: "CreateContainerConfigError", message: "…" },
    expected: ["hostPath /data does not exist on this device; create it", 10, /^Create the folder on this device/],
  },
  {
    name: "a port that is taken",
    history: failure("RunContainerError", "TCP port 18081 is already used by nginx (pid 812)"),
    waiting: { reason: "RunContainerError", message: "…" },
    expected: [
      "TCP port 18081 is already used by nginx (pid 812)",
      10,
      /^Stop that process, or choose another hostPort/,
    ],
  },
  {
    name: "a start that failed once and is tried again at once: none",
    history: failure("OomScoreRefused", "can't get final child's PID from pipe: EOF"),
    waiting: { reason: "ContainerCreating" },
    expected: [null, null, null],
  },
  {
    name: "a start that failed again",
    history: failure("OomScoreRefused", "can't get final child's PID from pipe: EOF", 2),
    waiting: { reason: "RunContainerError", message: "can't get final child's PID from pipe: EOF" },
    expected: ["can't get final child's PID from pipe: EOF", 10, /^Correct what the message names/],
  },
  {
    name: "one container of several",
    containers: ["app", "other"],
    history: { ...died, termination: termination(3) },
    waiting: crashLoop,
    expected: ["app: exit code 3", 40, /edge logs web -c app$/],
  },
];

for (const { name, history = {}, state, waiting, readiness, containers = ["app"], expected } of situations) {
  test(`podCause() returns the cause of ${name}`, () => {
    const plain = acceptedPod({ containers });
    const probed = plain.spec.containers.map((one) => ({ ...one, readinessProbe: probe }));
    const pod = readiness === undefined ? plain : withSpec(plain, { ...plain.spec, containers: probed });
    const observed = [
      ...(state === undefined ? [] : [container(pod, state)]),
      ...containers.slice(1).map((other) => container(pod, running(), { container: other })),
    ];
    const histories = Object.fromEntries(
      containers.map((one) => [one, historyOf(pod, one === "app" ? history : {}, one)]),
    );
    const status = podStatus({
      pod,
      acceptedAtWall: ago(60_000).wall,
      history: histories,
      observed,
      waiting: waiting === undefined ? {} : { app: waiting },
      probes: readiness === undefined ? {} : { "app-id-of-attempt-0": { ready: false, live: true, why: "" } },
      termination: "none",
      previous: null,
      hostIp: "192.0.2.1",
      nowWall: now.wall,
    });
    const unready = new Map(readiness === undefined ? [] : [["app-id-of-attempt-0", readiness]]);
    const input = { name: "web", status, spec: pod.spec, history: histories, unready, now };
    const cause = podCause({ ...input, stopping: new Map() });
    const [reason, seconds, todo] = expected;
    assert.equal(cause.reason, reason);
    const nextTry = seconds === null ? null : `${new Date(now.wall + seconds * 1000).toISOString().slice(0, 19)}Z`;
    assert.equal(cause.nextTry, nextTry);
    if (todo === null) assert.equal(cause.todo, null);
    else assert.match(cause.todo ?? "", todo);
  });
}

test("an update whose image cannot be pulled says what to do while the version before it runs", () => {
  const pod = acceptedPod();
  const situation = {
    pod,
    acceptedAtWall: now.wall,
    nowWall: now.wall,
    hostIp: "192.0.2.1",
    history: { app: historyOf(pod) },
    observed: [container(pod, running())],
    waiting: {},
    probes: {},
    termination: "none",
    previous: null,
  } as const;
  const message =
    'The update waits for the image of container app: ImagePullBackOff: Back-off pulling image "r.example/i": Registry r.example cannot be reached: ENOTFOUND';
  const status = { ...podStatus(situation), message };
  const cause = podCause({
    name: "web",
    status,
    spec: pod.spec,
    history: situation.history,
    unready: new Map(),
    stopping: new Map(),
    now,
  });
  assert.equal(
    cause.reason,
    "The update waits for the image of container app: Registry r.example cannot be reached: ENOTFOUND",
  );
  assert.match(cause.todo ?? "", /^Check the registry's name, this device's DNS/);
});

test("a container that is being stopped has the reason and the time that is left as its cause", () => {
  const pod = acceptedPod();
  const history = { app: historyOf(pod) };
  const status = podStatus({
    pod,
    acceptedAtWall: now.wall,
    nowWall: now.wall,
    hostIp: "192.0.2.1",
    history,
    observed: [container(pod, running())],
    waiting: {},
    probes: {},
    termination: "none",
    previous: null,
  });
  const stop = { because: "liveness probe failed: HTTP 500", untilWall: Date.parse("2026-01-01T05:56:33Z") };
  const stopping = new Map([["app-id-of-attempt-0", stop]]);
  const cause = podCause({ name: "web", status, spec: pod.spec, history, unready: new Map(), stopping, now });
  assert.equal(cause.reason, "liveness probe failed: HTTP 500; the container has until 05:56:33Z to stop");
  assert.match(cause.todo ?? "", /^See why it does not answer/);
});
