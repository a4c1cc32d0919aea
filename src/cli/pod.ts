import { stringify } from "yaml";
import { podEntries } from "../agent/uplink/pod-entries.ts";
import { printable } from "../core/base/printable.ts";
import type { KeptEvent } from "../core/pod/event.ts";
import type { ContainerState, ContainerStatus, PodCondition, PodStatus } from "../core/pod/pod-status.ts";
import type { AcceptedPod } from "../core/pod/spec.ts";
import { summarize } from "../core/pod/summary.ts";
import type { PodStatusEntry } from "../core/protocol/replies.ts";
import { openDevice } from "./device-store.ts";
import { eventLine } from "./events.ts";
import { exitCodes, type Output } from "./output.ts";

export interface PodOptions {
  readonly config?: string;
  readonly json: boolean;
}

type Known = PodStatusEntry & { readonly metadata: AcceptedPod["metadata"] & { readonly deletionTimestamp?: string } };

const lastActions = 12;
const lastMessages = 5;
/** Of a pod's events; more rows than that are not looked through for its last messages. */
const lookedThrough = 2_000;

/** `edge pod NAME` (contracts.md): everything about one pod, from the store; the agent need not run. */
export async function podCommand(name: string, options: PodOptions, io: Output): Promise<number> {
  const opened = await openDevice(options.config, io);
  if (!opened.ok) return opened.code;
  const { store } = opened;
  const pods = podEntries(store).map((entry) => entry as Known);
  const found = pods.filter(({ metadata }) => [metadata.name, `${metadata.namespace}/${metadata.name}`].includes(name));
  const key = found[0] === undefined ? name : `${found[0].metadata.namespace}/${found[0].metadata.name}`;
  const events = store.events.list({ pod: key, limit: lookedThrough });
  store.close();
  if (found.length === 0) {
    io.err(`There is no pod ${name} on this device`);
    return exitCodes.no;
  }
  // A new uid under the same name: both are here until the old one is gone.
  for (const pod of found) {
    const { kind, metadata, spec, status } = pod;
    if (options.json) io.out(JSON.stringify({ apiVersion: "v1", kind, metadata, spec, status }));
    else for (const line of show(pod, events)) io.out(line);
  }
  return exitCodes.fine;
}

function show(pod: Known, events: readonly KeptEvent[]): readonly string[] {
  const { metadata, spec } = pod;
  const status = "phase" in Object(pod.status) ? (pod.status as PodStatus) : null;
  const isMessage = (event: KeptEvent): boolean => event.reason.startsWith("Message");
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
  return [
    `Pod        ${metadata.namespace}/${metadata.name}`,
    `Uid        ${pod.UID}`,
    ...(metadata.resourceVersion === undefined ? [] : [`Version    ${metadata.resourceVersion}`]),
    ...(metadata.deletionTimestamp === undefined ? [] : [`Deleted    ${metadata.deletionTimestamp}`]),
    ...state(status, metadata.deletionTimestamp !== undefined),
    ...section("Conditions", (status?.conditions ?? []).map(condition)),
    ...section("Containers", (status?.containerStatuses ?? []).flatMap(container)),
    ...section("Spec as enforced", stringify(spec).trimEnd().split("\n").map(printable)),
    ...section(
      "Last actions",
      events
        .filter((event) => !isMessage(event))
        .slice(-lastActions)
        .map(eventLine),
    ),
    ...section("Last messages", events.filter(isMessage).slice(-lastMessages).map(eventLine)),
  ];
}

function state(status: PodStatus | null, deleting: boolean): readonly string[] {
  if (status === null) return ["Phase      Pending: nothing is known of it yet"];
  const { status: text, ready, restarts, reason } = summarize(status, deleting);
  return [
    `Phase      ${status.phase}`,
    `Status     ${text}, ${ready} ready, ${restarts} restarts${reason === null ? "" : `: ${printable(reason)}`}`,
    `Started    ${status.startTime}`,
    ...(status.podIP === undefined ? [] : [`Address    ${status.podIP}`]),
  ];
}

function condition({ type, status, lastTransitionTime, reason, message }: PodCondition): string {
  const why = [reason, message].filter((text) => text !== undefined).join(": ");
  return `${type.padEnd(16)} ${status.padEnd(7)} since ${lastTransitionTime}${why === "" ? "" : `  ${printable(why)}`}`;
}

function container({
  name,
  ready,
  restartCount,
  image,
  imageID,
  containerID,
  ...one
}: ContainerStatus): readonly string[] {
  const before = stateText(one.lastState);
  return [
    `${name}: ${stateText(one.state)}, ${ready ? "ready" : "not ready"}, restarted ${restartCount} times`,
    `  image ${image}${imageID === "" ? "" : ` (${imageID})`}`,
    ...(containerID === undefined || containerID === "" ? [] : [`  id ${containerID}`]),
    ...(before === "" ? [] : [`  before: ${before}`]),
  ];
}

function stateText({ running, waiting, terminated }: ContainerState): string {
  const words = (text: string | undefined): string => (text === undefined || text === "" ? "" : `: ${printable(text)}`);
  if (running !== undefined) return `running since ${running.startedAt}`;
  if (waiting !== undefined) return `waiting, ${waiting.reason}${words(waiting.message)}`;
  if (terminated === undefined) return "";
  const { exitCode, reason, finishedAt, message } = terminated;
  return `ended with ${exitCode} (${reason}) at ${finishedAt}${words(message)}`;
}
