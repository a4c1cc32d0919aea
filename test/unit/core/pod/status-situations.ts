import assert from "node:assert/strict";
import type { ObservedState } from "../../../../src/core/pod/observed.ts";
import type { ContainerState, PodStatus } from "../../../../src/core/pod/pod-status.ts";
import type { Waiting } from "../../../../src/core/pod/situation.ts";
import type { Probe, RestartPolicy } from "../../../../src/core/pod/spec.ts";
import { podStatus, type StatusInput } from "../../../../src/core/pod/status.ts";
import { acceptedPod, ago, container, historyOf, now } from "../../../samples/pods.ts";

/** What is known of a pod of one container, `app`. */
interface Given {
  /** Where this device says something else on purpose: what a kubelet says, and why not here. */
  readonly deviates?: string;
  readonly policy?: RestartPolicy;
  readonly readiness?: "none yet" | "good" | "bad";
  readonly history?: Parameters<typeof historyOf>[1];
  readonly state?: ObservedState;
  readonly waiting?: Waiting;
  readonly termination?: StatusInput["termination"];
}

/** What a kubelet reports of such a pod in one situation. */
export interface StatusSituation {
  readonly name: string;
  /** Where Kubernetes decides it, below pkg/kubelet. */
  readonly source: string;
  readonly given: Given;
  /** Every field that is not the same of all pods, in one line: see `inOneLine`. */
  readonly expected: string;
}

/** One row of a table. */
export function row(name: string, source: string, given: Given, expected: string): StatusSituation {
  return { name, source, given, expected };
}

/** The line of a pod whose container was never made. */
export function neverMade(waits: string): string {
  return `Pending; ContainersNotReady; waits ${waits}; before: none; 0 restarts; no id; no address`;
}

/** The line of a pod whose container of attempt 0 runs. */
export function runs(ready: "Ready" | "ContainersNotReady"): string {
  const flags = ready === "Ready" ? "ready started" : "started";
  return `Running; ${ready}; runs since 11:59:30; before: none; ${flags} 0 restarts; #0; 172.17.0.2`;
}

/** The line of a pod whose container of this attempt waits after it ended so. */
export function waitsAgain(waits: string, end: string, attempt: number): string {
  const before = `before: ended ${end} 11:59:30 to 11:59:59 #0`;
  return `Running; ContainersNotReady; waits ${waits}; ${before}; ${attempt} restarts; #${attempt}; no address`;
}

/** The line of a pod that ended so and does not run again. */
export function ended(end: string): string {
  const [phase, reason] = end.startsWith("0 ") ? ["Succeeded", "PodCompleted"] : ["Failed", "PodFailed"];
  return `${phase}; ${reason}; ended ${end} 11:59:30 to 11:59:59 #0; before: none; 0 restarts; #0; no address`;
}

const probe = {
  exec: { command: ["/bin/check"] },
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
} as const satisfies Probe;
const verdicts = { "none yet": null, good: true, bad: false } as const;

function statusOf({
  policy = "Always",
  readiness,
  history = {},
  state,
  waiting,
  termination = "none",
}: Given): PodStatus {
  const plain = acceptedPod({ policy });
  const containers = plain.spec.containers.map((one) =>
    readiness === undefined ? one : { ...one, readinessProbe: probe },
  );
  const pod = { ...plain, spec: { ...plain.spec, containers } };
  const app = historyOf(pod, history);
  const address = state?.kind === "running" ? { ip: "172.17.0.2" } : {};
  const observed = state === undefined ? [] : [container(pod, state, { attempt: app.attempt, ...address })];
  const [id = ""] = observed.map((one) => one.id);
  return podStatus({
    pod,
    acceptedAtWall: ago(60_000).wall,
    history: { app },
    observed,
    termination,
    previous: null,
    waiting: waiting === undefined ? {} : { app: waiting },
    probes: readiness === undefined ? {} : { [id]: { ready: verdicts[readiness], live: true, why: "" } },
    hostIp: "192.0.2.1",
    nowWall: now.wall,
  });
}

/** phase; condition Ready; state; lastState; what the flags and numbers of the container are; address. */
function inOneLine(status: PodStatus): string {
  const [one] = status.containerStatuses;
  const ready = status.conditions.find(({ type }) => type === "Ready");
  assert.ok(one !== undefined && ready !== undefined);
  return [
    status.phase,
    ready.status === "True" ? "Ready" : (ready.reason ?? ""),
    stateInWords(one.state),
    `before: ${stateInWords(one.lastState)}`,
    [one.ready ? "ready" : "", one.started ? "started" : "", `${one.restartCount} restarts`].join(" ").trim(),
    one.containerID ?? "no id",
    status.podIP ?? "no address",
  ].join("; ");
}

function stateInWords({ running, waiting, terminated }: ContainerState): string {
  const more = (message: string | undefined): string => (message === undefined ? "" : ` "${message}"`);
  if (running !== undefined) return `runs since ${running.startedAt}`;
  if (waiting !== undefined) return `waits ${waiting.reason}${more(waiting.message)}`;
  if (terminated === undefined) return "none";
  const { exitCode, reason, message, startedAt, finishedAt, containerID } = terminated;
  return `ended ${exitCode} ${reason}${more(message)} ${startedAt} to ${finishedAt} ${containerID ?? "no id"}`;
}

export function titleOf({ name, source, given }: StatusSituation): string {
  return `${name} (${source}${given.deviates === undefined ? "" : `; ${given.deviates}`})`;
}

/** What the rows write shorter: the pod's only container, and when it ran. */
const short: Readonly<Record<string, string>> = {
  "docker://app-id-of-attempt-": "#",
  "2026-11-22T11:59:30Z": "11:59:30",
  "2026-11-22T11:59:59Z": "11:59:59",
};

/** Compares every field, and what all situations have in common. */
export function compare({ given, expected }: StatusSituation): void {
  const status = statusOf(given);
  let line = inOneLine(status);
  for (const [long, word] of Object.entries(short)) line = line.replaceAll(long, word);
  assert.equal(line, expected);
  sameOfAll(status);
}

/** What every status has, whatever the pod does. */
function sameOfAll(status: PodStatus): void {
  const known = ["phase", "conditions", "hostIP", "podIP", "podIPs", "startTime", "qosClass", "containerStatuses"];
  assert.deepEqual(
    Object.keys(status).filter((key) => !known.includes(key)),
    [],
  );
  assert.equal(status.hostIP, "192.0.2.1");
  assert.equal(status.startTime, "2026-11-22T11:59:00Z");
  assert.equal(status.qosClass, "Burstable");
  assert.deepEqual(status.podIPs, status.podIP === undefined ? undefined : [{ ip: status.podIP }]);
  const types = status.conditions.map(({ type, lastProbeTime }) => `${type} ${lastProbeTime}`);
  assert.deepEqual(types, ["Initialized null", "Ready null", "ContainersReady null", "PodScheduled null"]);
  const [initialized, ready, containersReady, scheduled] = status.conditions;
  assert.deepEqual({ ...containersReady, type: "Ready" }, ready);
  const unready = ready?.reason === "ContainersNotReady" ? "containers with unready status: [app]" : undefined;
  assert.equal(ready?.message, unready);
  assert.deepEqual([initialized?.status, scheduled?.status], ["True", "True"]);
  assert.equal(initialized?.reason, status.phase === "Succeeded" ? "PodCompleted" : undefined);
  assert.deepEqual(
    status.containerStatuses.map(({ name, image }) => [name, image]),
    [["app", "app:1"]],
  );
}
