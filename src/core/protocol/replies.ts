import { shorten } from "../base/shorten.ts";
import type { Violation } from "../base/violation.ts";
import type { NodeReport } from "../node/status.ts";
import { maxReplyCharacters } from "./limits.ts";
import { encodeMessage, type MessageIds, type Route } from "./message.ts";

/** As much of a request as its answer needs: also there when the rest of it was no message. */
export interface Request {
  readonly header: { readonly msg_id: string };
  readonly route: Route;
}

/** One pod in the report (seed "Reporting the Pod Status"); `status` is Kubernetes' PodStatus. */
export interface PodStatusEntry {
  readonly Name: string;
  readonly UID: string;
  readonly kind: "Pod";
  readonly metadata: unknown;
  readonly spec: unknown;
  readonly status: unknown;
}

/**
 * "OK": stored durably and scheduled, not "running" (decisions.md 30: the center may forget a message once it is
 * answered).
 */
export function okReply(request: Request, ids: MessageIds): string {
  const { group, resource } = request.route;
  // Answers to the hardware group are reports: protocol.md §1.2.
  const operation = group === "hardware" ? "REPORT" : "response";
  return reply(request, { source: "controller", group, operation, resource }, "OK", ids);
}

/**
 * Names every violation as far as there is room (decisions.md 31, 32: a person who mends a pod needs all of them at
 * once).
 */
export function errorReply(request: Request, why: readonly Violation[] | string, ids: MessageIds): string {
  const { group, resource } = request.route;
  return reply(request, { source: "metaManager", group, operation: "error", resource }, failed(why), ids);
}

/** A rejected restart is answered with operation `response` (decisions.md 46: the center listens for nothing else). */
export function restartFailedReply(request: Request, why: readonly Violation[] | string, ids: MessageIds): string {
  const { group, resource } = request.route;
  return reply(request, { source: "controller", group, operation: "response", resource }, failed(why), ids);
}

/** The report of all pods, `[]` if there is none (decisions.md 41: a whole array needs no history). */
export function podStatusReport(entries: readonly PodStatusEntry[], ids: MessageIds): string {
  const route = { source: "metaManager", group: "resource", operation: "update", resource: "websocket/podstatus" };
  return encodeMessage({ route, content: entries }, ids);
}

/** The state of the device, protocol.md §1.3 (decisions.md 44: centers look the device up by this name). */
export function nodeStatusReport(report: NodeReport, reportedAs: string, ids: MessageIds): string {
  const resource = `websocket/nodestatus/edge-${reportedAs}`;
  const route = { source: "edged", group: "meta", operation: "update", resource };
  return encodeMessage({ header: { sync: true }, route, content: { Status: report } }, ids);
}

/** The progress of a long order, protocol.md §1.3 (decisions.md 45: half a delete is no success). */
export interface ConfigResult {
  readonly topic: string;
  readonly percentage: "25%" | "50%" | "75%" | "100%";
  readonly result: "processing" | "success" | "failed";
  readonly reason: string;
}

/** The content is JSON in a text, as the center knows it. */
export function configResult(result: ConfigResult, ids: MessageIds): string {
  const route = { source: "resource", group: "hub", operation: "update", resource: "websocket/config_result" };
  return encodeMessage({ route, content: JSON.stringify(result) }, ids);
}

/** Every keepalive period, beside the pings of the connection: protocol.md §1.3. */
export function keepalive(ids: MessageIds): string {
  const route = { source: "websocket", group: "resource", operation: "keepalive", resource: "node" };
  return encodeMessage({ route, content: "ping" }, ids);
}

/** `FAILED: ` and as many violations as fit whole; the last words count those that do not. */
export function failed(why: readonly Violation[] | string): string {
  const start = "FAILED: ";
  if (typeof why === "string") return shorten(start + why, maxReplyCharacters - 1);
  const messages = why.map((violation) => violation.message);
  const whole = start + messages.join("; ");
  if (whole.length <= maxReplyCharacters) return whole;
  let text = start;
  let listed = 0;
  for (const message of messages) {
    const longer = listed === 0 ? text + message : `${text}; ${message}`;
    if (longer.length + `; and ${messages.length} more`.length > maxReplyCharacters) break;
    text = longer;
    listed += 1;
  }
  if (listed === 0) {
    const rest = messages.length > 1 ? `; and ${messages.length - 1} more` : "";
    return shorten(start + (messages[0] ?? ""), maxReplyCharacters - rest.length - 1) + rest;
  }
  return `${text}; and ${messages.length - listed} more`;
}

function reply(request: Request, route: Route, content: string, ids: MessageIds): string {
  return encodeMessage({ header: { parent_msg_id: request.header.msg_id }, route, content }, ids);
}
