import { randomUUID } from "node:crypto";
import { chmodSync, lstatSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { CenterHistories } from "./histories.ts";
import type { CenterNodes } from "./nodes.ts";
import type { LinkServer } from "./server.ts";

/** More than a device takes, so that one can try what it does then. */
const maxBodyBytes = 4_194_304;
const maxWaiting = 256;
const defaultDeadlineMs = 30_000;
const maxDeadlineMs = 600_000;

type Answer = { readonly status: number; readonly body: string };

export interface Center {
  readonly server: LinkServer;
  readonly nodes: CenterNodes;
  readonly histories: CenterHistories;
  /** Told of each message that went out. */
  readonly sent: (node: string, text: string) => void;
}

/**
 * The control socket of the dev center: HTTP on a unix socket that only its owner may use.
 * `POST /send?node=NAME[&timeoutMs=N][&raw=1]`, `POST /disconnect?node=NAME`, `GET /nodes`, `GET /check?node=NAME`, and
 * bad behaviour on demand: `POST /behave?how=well|silent|slow|noPong`, `how=refuse&status=N[&retryAfter=S]`,
 * `node=NAME&how=garbage|drop`, `node=NAME&how=close&code=N`.
 */
export async function serveControl(path: string, center: Center): Promise<{ close(): Promise<void> }> {
  const ended = new AbortController();
  const http = createServer((request, response) => {
    answer(center, request, ended.signal).then(
      (given) => reply(response, given),
      (error: unknown) => reply(response, { status: 500, body: String(error) }),
    );
  });
  removeStale(path);
  http.listen(path);
  await new Promise<void>((resolve, reject) => {
    http.once("listening", resolve);
    http.once("error", reject);
  });
  chmodSync(path, 0o600);
  return {
    async close() {
      ended.abort();
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      http.closeAllConnections();
      await closed;
    },
  };
}

async function answer(center: Center, request: IncomingMessage, ended: AbortSignal): Promise<Answer> {
  const url = new URL(request.url ?? "/", "http://center");
  const node = url.searchParams.get("node");
  const call = `${request.method} ${url.pathname}`;
  if (call === "GET /nodes") return { status: 200, body: JSON.stringify(center.nodes.list()) };
  if (call === "POST /behave") return behave(center, url.searchParams);
  if (!["POST /send", "POST /disconnect", "GET /check"].includes(call)) return { status: 404, body: calls };
  if (node === null || node === "") return { status: 400, body: "The query must name a node: ?node=NAME" };
  if (call === "GET /check") {
    const verdict = center.histories.judge(node);
    return verdict === null ? notConnected(node) : { status: 200, body: JSON.stringify(verdict) };
  }
  if (call === "POST /disconnect") {
    return center.server.disconnect(node) ? { status: 200, body: "Disconnected" } : notConnected(node);
  }
  const body = await readBody(request);
  if (body === null) return { status: 413, body: `A message may have ${maxBodyBytes} bytes here` };
  return send(center, { node, body, raw: url.searchParams.get("raw") === "1", deadlineMs: deadlineOf(url) }, ended);
}

const calls =
  "There are POST /send?node=NAME, POST /disconnect?node=NAME, POST /behave?how=HOW, GET /check?node=NAME and GET /nodes";

/** All of it is bad behaviour on demand, but for `well`. */
function behave({ server }: Center, query: URLSearchParams): Answer {
  const how = query.get("how");
  const number = (name: string, least: number, most: number): number | null => {
    const value = Number(query.get(name) ?? Number.NaN);
    return Number.isInteger(value) && value >= least && value <= most ? value : null;
  };
  if (how === "well" || how === "silent" || how === "slow" || how === "noPong") {
    server.behave({ how });
    return { status: 200, body: `Behaves ${how}` };
  }
  if (how === "refuse") {
    const status = number("status", 400, 599);
    if (status === null) return { status: 400, body: "refuse takes status, from 400 to 599" };
    server.behave({ how, status, retryAfterSeconds: number("retryAfter", 0, 86_400) });
    return { status: 200, body: `Refuses with ${status}` };
  }
  const code = how === "close" ? number("code", 1000, 4999) : 0;
  if ((how !== "garbage" && how !== "drop" && how !== "close") || code === null) {
    return { status: 400, body: "how is well, silent, slow, noPong, refuse, garbage, drop, or close with a code" };
  }
  const node = query.get("node") ?? "";
  return server.misbehave(node, { how, code }) ? { status: 200, body: `Did ${how}` } : notConnected(node);
}

interface Sending {
  readonly node: string;
  readonly body: string;
  /** Sent as it is, even if it is no message, and no reply waited for. */
  readonly raw: boolean;
  readonly deadlineMs: number | null;
}

async function send(center: Center, { node, body, raw, deadlineMs }: Sending, ended: AbortSignal): Promise<Answer> {
  if (deadlineMs === null) return { status: 400, body: `timeoutMs must be from 1 to ${maxDeadlineMs}` };
  const message = raw ? { text: body, messageId: null } : toMessage(body);
  if (message === null) return { status: 400, body: "The body is neither a message nor a Pod; raw=1 sends it anyway" };
  if (center.nodes.waiting() >= maxWaiting)
    return { status: 503, body: `${maxWaiting} replies are waited for already` };
  const { text, messageId } = message;
  const deadline = AbortSignal.any([AbortSignal.timeout(deadlineMs), ended]);
  // Waited for from before it is sent: the reply may be here at once.
  const given = new AbortController();
  const waiting =
    messageId === null ? null : center.nodes.reply({ node, messageId }, AbortSignal.any([deadline, given.signal]));
  if (!center.server.send(node, text)) {
    given.abort();
    return notConnected(node);
  }
  center.sent(node, text);
  if (waiting === null) return { status: 202, body: "Sent; without a msg_id no reply can be told to be its own" };
  const reply = await waiting;
  if (reply !== null) return { status: 200, body: reply };
  return {
    status: 504,
    body: `${node} has been sent message ${messageId} and has not replied within ${deadlineMs} ms`,
  };
}

/** A message as it is; a bare Pod becomes an update message for it. */
function toMessage(body: string): { readonly text: string; readonly messageId: string | null } | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return null;
  }
  const { header, route, metadata, spec } = Object(value);
  if (typeof route === "object" && route !== null) {
    const id: unknown = Object(header).msg_id;
    return { text: body, messageId: typeof id === "string" && id !== "" ? id : null };
  }
  const name: unknown = Object(metadata).name;
  if (typeof name !== "string" || spec === undefined) return null;
  const messageId = randomUUID();
  const text = JSON.stringify({
    header: { msg_id: messageId, parent_msg_id: "", timestamp: Date.now(), sync: true, resourceversion: "" },
    route: { source: "controller", group: "resource", operation: "update", resource: `websocket/pod/${name}` },
    content: value,
  });
  return { text, messageId };
}

function deadlineOf(url: URL): number | null {
  const value = Number(url.searchParams.get("timeoutMs") ?? defaultDeadlineMs);
  return Number.isInteger(value) && value >= 1 && value <= maxDeadlineMs ? value : null;
}

function notConnected(node: string): Answer {
  return { status: 404, body: `No node ${node} is connected` };
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    // Read to its end all the same: a client that is cut off does not read the answer.
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  }
  return bytes <= maxBodyBytes ? Buffer.concat(chunks).toString("utf8") : null;
}

function reply(response: ServerResponse, { status, body }: Answer): void {
  const isJson = body.startsWith("{") || body.startsWith("[");
  const type = isJson ? "application/json" : "text/plain; charset=utf-8";
  response.writeHead(status, { "content-type": type }).end(`${body}\n`);
}

/** A socket that a killed center left behind; anything else of that name is not ours to remove. */
function removeStale(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) rmSync(path);
}
