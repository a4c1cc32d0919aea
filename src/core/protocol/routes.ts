import type { Violation } from "../base/violation.ts";
import type { Message } from "./message.ts";

export type MessageKind =
  | "pod-update"
  | "pod-delete"
  | "pod-restart"
  | "configmap-update"
  | "configmap-delete"
  | "secret-update"
  | "pods-data"
  | "container-info"
  | "modelfiles"
  | "npu-sharing";

export type Classified =
  | { readonly ok: true; readonly kind: MessageKind; readonly podName?: string; readonly configMapName?: string }
  | { readonly ok: false; readonly violations: readonly Violation[] };

interface RouteRow {
  readonly kind: MessageKind;
  readonly source: string;
  readonly group: string;
  readonly operation: string;
  /** What `route.resource` must match; its group is the name in it. */
  readonly resource: RegExp;
  readonly sync: boolean;
}

/** Any name that fits the expression of metadata.name (decisions.md 16: route and metadata name one pod). */
const pod = /^websocket\/pod\/([a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?)$/;
const configMap = /^websocket\/configmap\/([a-z][a-z0-9-]{2,62}[a-z0-9])$/;
const secret = /^websocket\/secret\/fusion-director-docker-registry-secret$/;

function row(
  kind: MessageKind,
  [source, group, operation]: readonly [string, string, string],
  resource: RegExp,
  sync: boolean,
): RouteRow {
  return { kind, source, group, operation, resource, sync };
}

/** Every message that a center may send to this device: protocol.md §0.2. */
export const routes: readonly RouteRow[] = [
  row("pod-update", ["controller", "resource", "update"], pod, true),
  row("configmap-update", ["controller", "resource", "update"], configMap, true),
  row("secret-update", ["controller", "resource", "update"], secret, true),
  row("pod-delete", ["controller", "resource", "delete"], pod, true),
  row("configmap-delete", ["controller", "resource", "delete"], configMap, true),
  row("pods-data", ["controller", "resource", "delete"], /^websocket\/pods_data$/, false),
  row("pod-restart", ["controller", "resource", "restart"], pod, true),
  row("container-info", ["controller", "hardware", "update"], /^websocket\/container_info$/, true),
  row("modelfiles", ["controller", "hardware", "update"], /^websocket\/modelfiles$/, true),
  row("npu-sharing", ["EdgeManager", "hardware", "update"], /^websocket\/npu_sharing$/, false),
];

/** Which message this is, or every reason why it is none that a center may send. */
export function classify(message: Message): Classified {
  const { header, route } = message;
  const found = routes.find(
    (row) =>
      row.source === route.source &&
      row.group === route.group &&
      row.operation === route.operation &&
      row.resource.test(route.resource),
  );
  const violations = headerViolations(header);
  if (found === undefined) {
    const value = `${route.source}/${route.group}/${route.operation} ${route.resource}`.slice(0, 200);
    const text = `route is ${JSON.stringify(value)}; expected the route of a message that this device knows`;
    return { ok: false, violations: [...violations, { path: "route", rule: "route.known", message: text, value }] };
  }
  if (found.sync !== header.sync) {
    const text = `header.sync is ${header.sync}; expected ${found.sync} for ${found.kind}`;
    violations.push({ path: "header.sync", rule: "header.sync", message: text, value: header.sync });
  }
  if (violations.length > 0) return { ok: false, violations };
  const name = found.resource.exec(route.resource)?.[1];
  if (name === undefined) return { ok: true, kind: found.kind };
  if (found.resource === pod) return { ok: true, kind: found.kind, podName: name };
  return { ok: true, kind: found.kind, configMapName: name };
}

/** The pod that a route names, whatever else is wrong with the message; null where it names none. */
export function podNameOf({ resource }: Message["route"]): string | null {
  return pod.exec(resource)?.[1] ?? null;
}

function headerViolations(header: Message["header"]): Violation[] {
  const violations: Violation[] = [];
  if (header.parent_msg_id !== "") {
    const value = header.parent_msg_id.slice(0, 64);
    const message = `header.parent_msg_id is ${JSON.stringify(value)}; expected it empty in a request`;
    violations.push({ path: "header.parent_msg_id", rule: "header.parent", message, value });
  }
  if (!/^[0-9]{0,32}$/.test(header.resourceversion)) {
    const value = header.resourceversion.slice(0, 64);
    const message = `header.resourceversion is ${JSON.stringify(value)}; expected at most 32 digits`;
    violations.push({ path: "header.resourceversion", rule: "header.resourceversion", message, value });
  }
  return violations;
}
