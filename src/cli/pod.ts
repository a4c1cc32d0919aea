import { stringify } from "yaml";
import { counted } from "../core/base/counted.ts";
import { ownValue } from "../core/base/own-value.ts";
import { printable } from "../core/base/printable.ts";
import { howItEnded } from "../core/pod/cause.ts";
import type { ContainerHistory, PodHistory, Termination } from "../core/pod/container-history.ts";
import type { KeptEvent } from "../core/pod/event.ts";
import type {
  ContainerState,
  ContainerStatus,
  PodCondition,
  PodStatus,
  TerminatedState,
} from "../core/pod/pod-status.ts";
import { type AcceptedPod, type ContainerSpec, type DeviceOrigin, podKey } from "../core/pod/spec.ts";
import { formatTime } from "../core/pod/time.ts";
import type { PodRow } from "../core/status-document.ts";
import { type DevicePod, devicePods, lookAtPods, podDocument } from "./device-pods.ts";
import { openDevice } from "./device-store.ts";
import { eventLine } from "./events.ts";
import { namedPod, noSuchPod } from "./named-pod.ts";
import { exitCodes, type Output } from "./output.ts";
import { storedPods } from "./seen-pods.ts";
import { reasonOf } from "./status-page.ts";

export interface PodOptions {
  readonly config?: string;
  readonly json: boolean;
}

const lastActions = 12;
const lastMessages = 5;
/** Of a pod's events; more rows than that are not looked through for its last messages. */
const lookedThrough = 2_000;

/** `edge pod NAME` (contracts.md): everything about one pod; the agent need not run. */
export async function podCommand(name: string, options: PodOptions, io: Output): Promise<number> {
  const opened = await openDevice(options.config, io);
  if (!opened.ok) return opened.code;
  const { store, config } = opened;
  const named = namedPod(name, store);
  if (named.kind === "none") {
    store.close();
    return noSuchPod(named, io);
  }
  const key = named.kind === "found" ? podKey(named.pod) : name;
  const found = devicePods(store).filter(({ metadata }) => podKey(metadata) === key);
  const events = store.events.list({ pod: key, limit: lookedThrough });
  const stored = storedPods(store);
  store.close();
  if (found.length === 0) {
    const refused = events.findLast(({ reason }) => reason === "MessageRefused");
    io.err(`There is no pod ${name} on this device${refused === undefined ? "" : "; it was refused:"}`);
    if (refused !== undefined) io.err(eventLine(refused));
    return exitCodes.no;
  }
  const looked = await lookAtPods(config, stored);
  // A new uid under the same name: both are here until the old one is gone.
  for (const pod of found) {
    if (options.json) {
      io.out(JSON.stringify(podDocument(pod, looked)));
      continue;
    }
    const status = looked.statuses.get(pod.UID) ?? pod.status;
    const row = looked.rows.find(({ uid }) => uid === pod.UID);
    for (const line of show({ pod: { ...pod, status }, row, history: looked.historyOf(pod.UID), events })) io.out(line);
  }
  return exitCodes.fine;
}

interface Shown {
  readonly pod: DevicePod;
  /** Undefined where the pod came or went between two looks. */
  readonly row: PodRow | undefined;
  readonly history: PodHistory;
  readonly events: readonly KeptEvent[];
}

function show({ pod, row, history, events }: Shown): readonly string[] {
  const { metadata, spec } = pod;
  const status = "phase" in Object(pod.status) ? (pod.status as PodStatus) : null;
  const isMessage = (event: KeptEvent): boolean => event.reason.startsWith("Message");
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
  const messages = events.filter(isMessage);
  const last = messages.at(-1);
  const lastSeen =
    row?.lastSeen === undefined ? "" : ` as last seen${row.lastSeen === null ? "" : ` at ${row.lastSeen}`}`;
  return [
    `Pod        ${metadata.namespace}/${metadata.name}`,
    `Uid        ${pod.UID}`,
    ...(metadata.resourceVersion === undefined ? [] : [`Version    ${metadata.resourceVersion}`]),
    ...(row?.origin === undefined ? [] : [`Owner      ${ownerText(row.origin)}`]),
    ...(metadata.deletionTimestamp === undefined ? [] : [`Deleted    ${metadata.deletionTimestamp}`]),
    ...state(status, row),
    ...(last?.reason === "MessageRefused" ? refusal(last) : []),
    ...section(`Conditions${lastSeen}`, (status?.conditions ?? []).map(condition)),
    ...section(
      `Containers${lastSeen}`,
      (status?.containerStatuses ?? []).flatMap((containerStatus) =>
        container(containerStatus, spec, ownValue(history, containerStatus.name)),
      ),
    ),
    ...section("Spec as enforced", stringify(withoutValues(spec)).trimEnd().split("\n").map(printable)),
    ...section(
      "Last actions",
      events
        .filter((event) => !isMessage(event))
        .slice(-lastActions)
        .map(eventLine),
    ),
    ...section("Last messages", messages.slice(-lastMessages).map(eventLine)),
  ];
}

/** Pages are shown around, and a variable may be a password: its value is in `--json` alone. */
function withoutValues(spec: AcceptedPod["spec"]): AcceptedPod["spec"] {
  const containers = spec.containers.map((container) => ({
    ...container,
    ...(container.env === undefined ? {} : { env: container.env.map(({ name }) => ({ name, value: "(hidden)" })) }),
  }));
  return { ...spec, containers };
}

function state(status: PodStatus | null, row: PodRow | undefined): readonly string[] {
  if (status === null || row === undefined) return ["Phase      Pending: the agent has not started it yet"];
  const reason = reasonOf(row, Date.now());
  return [
    `Phase      ${row.phase}`,
    `Status     ${row.status}, ${row.ready} ready, ${counted(row.restarts, "restart")}`,
    ...(reason === null ? [] : [`Cause      ${printable(reason)}`]),
    ...(row.todo === undefined ? [] : [`To do      ${printable(row.todo)}`]),
    `Started    ${status.startTime}`,
    ...(status.podIP === undefined ? [] : [`Address    ${status.podIP}`]),
  ];
}

function ownerText(origin: DeviceOrigin): string {
  return origin.kind === "local" ? "applied on this device" : `factory pod, file ${printable(origin.file)}`;
}

function refusal({ at, message }: KeptEvent): readonly string[] {
  return [
    `Refused    the last update, at ${formatTime(at.wall)}: ${printable(message)}`,
    "To do      Correct the pod and send it again; the version before it goes on",
  ];
}

function condition({ type, status, lastTransitionTime, reason, message }: PodCondition): string {
  const why = [reason, message].filter((text) => text !== undefined).join(": ");
  return `${type.padEnd(16)} ${status.padEnd(7)} since ${lastTransitionTime}${why === "" ? "" : `  ${printable(why)}`}`;
}

function container(
  containerStatus: ContainerStatus,
  { containers }: AcceptedPod["spec"],
  history: ContainerHistory | undefined,
): readonly string[] {
  const { name, ready, restartCount, image, imageID, containerID } = containerStatus;
  const spec = containers.find((other) => other.name === name);
  const words = stateText(
    containerStatus.state,
    spec,
    containerStatus.state.terminated === undefined ? undefined : history?.termination,
  );
  const ended = containerStatus.lastState.terminated;
  const before = [history?.termination, history?.lastTermination].find(
    (termination) => termination != null && ended?.containerID === `docker://${termination.containerId}`,
  );
  return [
    `${name}: ${words}, ${ready ? "ready" : "not ready"}, restarted ${counted(restartCount, "time")}`,
    `  Image ${image}${imageID === "" ? "" : ` (${imageID})`}`,
    ...(containerID === undefined || containerID === "" ? [] : [`  Id ${containerID}`]),
    ...(ended === undefined ? [] : [`  Last run: ${endText(ended, spec, before)}`]),
  ];
}

function stateText(
  { running, waiting, terminated }: ContainerState,
  spec: ContainerSpec | undefined,
  ended: Termination | null | undefined,
): string {
  if (running !== undefined) return `running since ${running.startedAt}`;
  if (waiting !== undefined) {
    const message = waiting.message ?? "";
    return `waiting, ${waiting.reason}${message === "" ? "" : `: ${printable(message)}`}`;
  }
  return terminated === undefined ? "not started yet" : endText(terminated, spec, ended);
}

/** How a run ended: `killed, out of memory (limit 8Mi), 2026-11-22T04:44:27Z`. */
function endText(
  ended: TerminatedState,
  spec: ContainerSpec | undefined,
  termination: Termination | null | undefined,
): string {
  const at = ended.finishedAt === null ? "" : `, ${ended.finishedAt}`;
  const limit = spec?.resources.limits?.memory;
  if (ended.reason === "OOMKilled" && termination?.stoppedBecause === undefined) {
    return `killed, out of memory${limit === undefined ? "" : ` (limit ${limit})`}${at}`;
  }
  const how = howItEnded(ended, spec, termination);
  return `${how === null ? "completed" : `ended, ${printable(how)}`}${at}`;
}
