import assert from "node:assert/strict";
import type { ObservedState } from "../../../../src/core/pod/observed.ts";
import type { PodStatus } from "../../../../src/core/pod/pod-status.ts";
import type { Waiting } from "../../../../src/core/pod/situation.ts";
import type { Probe, RestartPolicy } from "../../../../src/core/pod/spec.ts";
import { podStatus, type StatusInput } from "../../../../src/core/pod/status.ts";
import { acceptedPod, ago, container, historyOf, now } from "../../../samples/pods.ts";

/** What a kubelet reports of a pod of one container, `app`, in one situation. */
export interface StatusSituation {
  readonly name: string;
  /** Where Kubernetes decides it, below pkg/kubelet. */
  readonly source: string;
  /** Where this device says something else on purpose: what a kubelet says, and why not here. */
  readonly deviates?: string;
  readonly policy?: RestartPolicy;
  readonly readiness?: "none yet" | "good" | "bad";
  readonly history?: Parameters<typeof historyOf>[1];
  readonly state?: ObservedState;
  readonly waiting?: Waiting;
  readonly termination?: StatusInput["termination"];
  readonly expected: string;
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
}: StatusSituation): PodStatus {
  const plain = acceptedPod({ policy });
  const containers = plain.spec.containers.map((one) =>
    readiness === undefined ? one : { ...one, readinessProbe: probe },
  );
  const pod = { ...plain, spec: { ...plain.spec, containers } };
  const app = historyOf(pod, history);
  const observed = state === undefined ? [] : [container(pod, state, { attempt: app.attempt, ip: "172.17.0.2" })];
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

/** Every field, one line each; what is absent has no line. */
function lines(value: unknown, path = ""): readonly string[] {
  if (typeof value !== "object" || value === null) return [`${path} = ${String(value)}`];
  const entries = Object.entries(value);
  if (entries.length === 0) return [`${path} = {}`];
  return entries.flatMap(([name, item]) => {
    const key = typeof item?.type === "string" ? item.type : (item?.name ?? name);
    return lines(item, path === "" ? key : `${path}.${key}`);
  });
}

/** What says the same of every pod is compared once, below. */
const always = [
  /^conditions\.\w+\.(type|lastProbeTime|lastTransitionTime) /,
  /^conditions\.(Initialized|PodScheduled|ContainersReady)\./,
  /^(hostIP|startTime|qosClass|podIPs\S*) /,
  /\.(name|image|imageID) /,
];

export function titleOf({ name, source, deviates }: StatusSituation): string {
  return `${name} (${source}${deviates === undefined ? "" : `; ${deviates}`})`;
}

/** Compares every field, and what all situations have in common. */
export function compare(one: StatusSituation): void {
  const status = statusOf(one);
  const said = lines(status).filter((line) => !always.some((same) => same.test(line)));
  const text = said.map((line) => line.replace("containerStatuses.", "").replace("conditions.", "")).join("\n");
  assert.equal(text, one.expected.trim().replaceAll(/^ +/gm, ""));
  sameOfAll(status);
}

/** What every status has, whatever the pod does. */
function sameOfAll(status: PodStatus): void {
  assert.equal(status.hostIP, "192.0.2.1");
  assert.equal(status.startTime, "2026-11-22T11:59:00Z");
  assert.equal(status.qosClass, "Burstable");
  assert.deepEqual(status.podIPs, status.podIP === undefined ? undefined : [{ ip: status.podIP }]);
  const types = status.conditions.map(({ type, lastProbeTime }) => `${type} ${lastProbeTime}`);
  assert.deepEqual(types, ["Initialized null", "Ready null", "ContainersReady null", "PodScheduled null"]);
  const [initialized, ready, containersReady, scheduled] = status.conditions;
  assert.deepEqual({ ...containersReady, type: "Ready" }, ready);
  assert.deepEqual([initialized?.status, scheduled?.status], ["True", "True"]);
  assert.equal(initialized?.reason, status.phase === "Succeeded" ? "PodCompleted" : undefined);
  assert.deepEqual(
    status.containerStatuses.map(({ name, image }) => [name, image]),
    [["app", "app:1"]],
  );
}
