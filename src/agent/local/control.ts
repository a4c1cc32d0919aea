import { knownRule, type NamedPod } from "../../core/admission/local.ts";
import { ownershipRule } from "../../core/admission/ownership.ts";
import { readPodContent } from "../../core/admission/pod-content.ts";
import { podNamePattern } from "../../core/admission/rules/metadata.ts";
import type { StatusDocument } from "../../core/status-document.ts";
import type { ControlRequest, ControlResponse } from "../../ports/control.ts";
import type { Changed, ChangeError, ChangeRequest, PodChanges } from "./pod-changes.ts";

export interface ControlParts {
  readonly version: string;
  readonly changes: PodChanges;
  readonly status: () => StatusDocument;
}

/** Answers the requests of docs/api.md. Synchronous: what a response says is on disk. */
export function createControl(parts: ControlParts): (request: ControlRequest) => ControlResponse {
  return (request) => {
    const [version = "", resource = "", name = "", verb = "", ...more] = request.path.split("/").slice(1);
    if (version !== "v1" || more.length > 0) return unknownPath(request);
    const at = `${request.method} ${resource}${name === "" ? "" : "/NAME"}${verb === "" ? "" : `/${verb}`}`;
    switch (at) {
      case "GET version":
        return { status: 200, body: { api: "v1", version: parts.version } };
      case "GET status":
        return { status: 200, body: parts.status() };
      case "POST pods":
        return applyPod(parts, request);
      case "DELETE pods/NAME":
        return deletePod(parts, request, name);
      case "POST pods/NAME/restart":
        return restartPod(parts, request, name);
      default:
        return unknownPath(request);
    }
  };
}

function unknownPath({ method, path }: ControlRequest): ControlResponse {
  return failed(404, "unknownPath", `${method} ${path} is not a request of this agent`);
}

function applyPod({ changes }: ControlParts, { query, body }: ControlRequest): ControlResponse {
  const read = readPodContent(body);
  if (!read.ok) return failed(400, "badRequest", `the body cannot be read: ${read.reason}`);
  return responseTo(changes.applyPod(read.content, localRequest("edge apply", query)));
}

function deletePod({ changes }: ControlParts, { query }: ControlRequest, name: string): ControlResponse {
  const asked = namedPod(name, query);
  if (asked === null) return badName(name);
  const grace = query.get("graceSeconds");
  if (grace !== undefined && !(/^[0-9]{1,3}$/.test(grace) && Number(grace) <= mostGraceSeconds)) {
    return failed(400, "badRequest", `graceSeconds is ${grace}; expected a whole number from 0 to ${mostGraceSeconds}`);
  }
  const graceSeconds = grace === undefined ? null : Number(grace);
  return responseTo(changes.deletePod({ ...asked, graceSeconds }, localRequest("edge delete", query)));
}

function restartPod({ changes }: ControlParts, { query }: ControlRequest, name: string): ControlResponse {
  const asked = namedPod(name, query);
  return asked === null ? badName(name) : responseTo(changes.restartPod(asked, localRequest("edge restart", query)));
}

/** As of a graceful delete by the center. */
const mostGraceSeconds = 120;

function namedPod(name: string, query: ControlRequest["query"]): NamedPod | null {
  const namespace = query.get("namespace") ?? null;
  const isName = podNamePattern.test(name) && (namespace === null || podNamePattern.test(namespace));
  return isName ? { namespace, name } : null;
}

function badName(name: string): ControlResponse {
  return failed(400, "badRequest", `"${name.slice(0, 128)}" is not the name of a pod`);
}

function localRequest(request: string, query: ControlRequest["query"]): ChangeRequest {
  const isForced = query.get("force") === "true";
  return { origin: { kind: "local" }, isForced, request: isForced ? `${request} --force` : request };
}

function responseTo(changed: Changed): ControlResponse {
  if (!changed.ok) return refused(changed);
  const { id, message, warnings } = changed;
  return { status: 200, body: { message, warnings, ...(id === null ? {} : { pod: id }) } };
}

const statuses: Readonly<Record<ChangeError, number>> = { refused: 422, diskFull: 507, internal: 500 };

/** A pod that is not here, and one that is somebody else's, have statuses of their own. */
function refused({ code, violations, warnings }: Extract<Changed, { readonly ok: false }>): ControlResponse {
  const rules = violations.map(({ rule }) => rule);
  if (rules.includes(ownershipRule)) return { status: 409, body: { code: "conflict", violations, warnings } };
  if (rules.includes(knownRule)) return { status: 404, body: { code: "unknownPod", violations, warnings } };
  return { status: statuses[code], body: { code, violations, warnings } };
}

function failed(status: number, code: string, message: string): ControlResponse {
  const violations = [{ path: "", rule: `api.${code}`, message, value: null }];
  return { status, body: { code, violations, warnings: [] } };
}
