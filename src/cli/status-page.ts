import { styleText } from "node:util";
import { counted } from "../core/base/counted.ts";
import { clockConcern } from "../core/doctor/clock-concern.ts";
import { formatDuration, parseTime } from "../core/pod/time.ts";
import { certificateConcern } from "../core/protocol/certificate.ts";
import { linkTodo } from "../core/protocol/link-advice.ts";
import type { ConditionRow, PodRow, StatusDocument } from "../core/status-document.ts";
import { podTable } from "./pod-table.ts";
import { age, cutEnd, cutMiddle, wrap } from "./text.ts";

export interface PageOptions {
  /** No line is wider; Infinity: names and reasons in full. */
  readonly columns: number;
}

const labelWidth = 9;
/** The page of `edge status`, one text a line. Problems come first. */
export function statusPage(document: StatusDocument, nowWall: number, { columns }: PageOptions): readonly string[] {
  const { node, agent, center, engine, outbox, pods } = document;
  const field = (label: string, text: string, colour?: Colour): readonly string[] => {
    const lines = wrap(text, columns - labelWidth);
    return lines.map((line, index) => {
      const shown = colour === undefined ? line : styleText(colour, line);
      return `${(index === 0 ? label : "").padEnd(labelWidth)}${shown}`;
    });
  };
  const state = (ok: boolean, word: string, rest: string): string => `${styleText(ok ? "green" : "red", word)}${rest}`;
  const since = (time: string | null) => (time === null ? "" : ` for ${age(time, nowWall)} (since ${time})`);
  const engineVersion = engine.version === null ? "" : `, version ${engine.version}`;
  // An agent of another version may still run, one that tells no conditions.
  const conditions: readonly ConditionRow[] = node.conditions ?? [];
  return [
    ...field("Node", node.name),
    ...conditions.filter(isPressure).flatMap((row) => field("", `${row.type}: ${row.message}`, "red")),
    agent.running
      ? `Agent    ${state(true, "running", `${since(agent.startedAt)}, version ${agent.version}`)}`
      : `Agent    ${state(false, "not running", "; start it: systemctl start edge")}`,
    ...(agent.config == null ? [] : field("Config", cutMiddle(agent.config, columns - labelWidth))),
    ...(center.state === "none"
      ? ["Center   none is configured"]
      : [
          `Center   ${state(center.state === "online", center.state, since(center.since))}`,
          ...field("", cutMiddle(center.url, columns - labelWidth)),
        ]),
    ...centerTrouble(document).flatMap((text) => field("", text)),
    `Engine   ${state(engine.state === "ready", engine.state, engineVersion)}`,
    ...(document.npus ?? []).flatMap(({ name, present, holder }) =>
      field(
        "NPU",
        `${name} ${holder === null ? "is free" : `is held by ${holder}`}${present ? "" : ", and is not there"}`,
        present ? undefined : "red",
      ),
    ),
    `Outbox   ${outbox.pending} waiting, ${counted(outbox.bytes, "byte")}${outbox.dropped === 0 ? "" : styleText("red", `, ${outbox.dropped} dropped`)}`,
    ...notes(document, nowWall).flatMap((notice) => field("Note", notice, "yellow")),
    "",
    ...(pods.length === 0 ? ["No pods"] : podLines(pods, nowWall, columns)),
  ];
}

type Colour = "red" | "yellow";

/** Why there is no connection, and what to do about it. Without an agent its own line says it. */
function centerTrouble({ agent, center }: StatusDocument): readonly string[] {
  if (center.lastError === null || !agent.running) return [];
  if (center.state === "online") return [center.lastError];
  // The words of the system do not say whose they are.
  const isOfSystem = /^[a-z]/.test(center.lastError);
  const message = isOfSystem ? `The center cannot be reached: ${center.lastError}` : center.lastError;
  return [message, `${linkTodo({ message: center.lastError })}.`];
}

function notes(document: StatusDocument, nowWall: number): readonly string[] {
  const refusals = (document.refusedUpdates ?? []).map(({ pod, at, message }) => {
    const name = pod.slice(pod.indexOf("/") + 1);
    // A message of whole sentences says itself what to do.
    const todo = message.endsWith(".") ? "" : ". Correct the pod and send it again;";
    return `Update of pod ${name} refused ${age(at, nowWall)} ago: ${message}${todo} edge pod ${name} shows all of it.`;
  });
  const clock = clockConcern(nowWall);
  const files = (document.factoryFiles ?? []).map(({ file, violations }) => {
    const running = document.pods.find(({ origin }) => origin?.kind === "factory" && origin.file === file);
    const goesOn = running === undefined ? "" : ` Pod ${running.name} goes on as it was.`;
    return `Factory pod file ${file} refused: ${violations.map(({ message }) => message).join("; ")}. Correct the file; edge validate checks it.${goesOn}`;
  });
  return [
    ...(clock === null ? [] : [`${clock.message}. ${clock.todo}.`]),
    ...(document.notices ?? []),
    ...certificateConcerns(document.center, nowWall),
    ...files,
    ...refusals,
  ];
}

/** Certificates that have ended, will soon, or are not yet valid. */
function certificateConcerns({ certificates = [] }: StatusDocument["center"], nowWall: number): readonly string[] {
  return certificates.flatMap(({ file, notBefore, notAfter }) => {
    const certificate = { file, notBefore: parseTime(notBefore), notAfter: parseTime(notAfter) };
    return certificateConcern(certificate, nowWall) ?? [];
  });
}

function isPressure({ type, status }: ConditionRow): boolean {
  return type !== "Ready" && status === "True";
}

function isProblem({ ready, status, reason }: PodRow): boolean {
  const [up, all] = ready.split("/");
  return reason !== null || (up !== all && status !== "Completed" && status !== "Succeeded");
}

/** A line a pod, and a second one where there is a reason. */
function podLines(pods: readonly PodRow[], nowWall: number, columns: number): readonly string[] {
  const sorted = [...pods.filter(isProblem), ...pods.filter((pod) => !isProblem(pod))];
  const table = podTable(sorted, { nowWall, columns });
  const lines = sorted.flatMap((pod, index) => {
    const reason = reasonOf(pod, nowWall, columns - 2);
    return [table.lines[index] ?? "", ...(reason === null ? [] : [`  ${reason}`])];
  });
  const sources = sourceLines(sorted, columns);
  const more = sorted.some(({ todo }) => todo !== undefined) ? ["", "edge pod NAME shows what to do."] : [];
  return [table.head, ...lines, ...sources, ...more];
}

/** Which pods are not the center's. */
function sourceLines(pods: readonly PodRow[], columns: number): readonly string[] {
  const named = (title: string, kind: "factory" | "local"): readonly string[] => {
    const names = pods.flatMap(({ origin, name }) => (origin?.kind === kind ? [name] : []));
    return names.length === 0 ? [] : wrap(`${title}: ${names.join(", ")}`, columns);
  };
  const lines = [...named("Factory pods", "factory"), ...named("Applied on this device", "local")];
  return lines.length === 0 ? [] : ["", ...lines];
}

/** The cause, and when the agent tries again, in at most so many columns; the cause is what is cut. */
export function reasonOf(
  { reason, nextTry }: PodRow,
  nowWall: number,
  columns = Number.POSITIVE_INFINITY,
): string | null {
  if (reason === null) return null;
  const waitSeconds = nextTry === undefined ? 0 : Math.ceil((parseTime(nextTry) - nowWall) / 1000);
  const wait =
    nextTry === undefined
      ? ""
      : waitSeconds > 0
        ? `, next try in ${formatDuration(waitSeconds * 1000)}`
        : ", next try now";
  return `${cutEnd(reason, columns - wait.length)}${wait}`;
}
