// core/protocol: messages of the center, and the connection as a state machine.

import { foldObject, isObject, knownKeys } from "../base/json-keys.ts";
import { maxMessageBytes, maxNesting } from "./limits.ts";

/** A message of the wire (protocol.md §0.1), with only the keys that mean something on it. */
export interface Message {
  readonly header: MessageHeader;
  readonly route: Route;
  /** Any JSON. A string that held JSON has been unquoted once (decisions.md 40: some centers quote their content). */
  readonly content: unknown;
}

export interface MessageHeader {
  readonly msg_id: string;
  readonly parent_msg_id: string;
  readonly timestamp: number;
  readonly sync: boolean;
  readonly resourceversion: string;
}

export interface Route {
  readonly source: string;
  readonly group: string;
  readonly operation: string;
  readonly resource: string;
}

/**
 * notJson, tooLarge and noMessageId have no reply (decisions.md 33, 36: without a msg_id there is nothing to answer to).
 * badShape has a reply if `route` is there too.
 */
export type Decoded =
  | { readonly ok: true; readonly message: Message }
  | {
      readonly ok: false;
      readonly code: "notJson" | "tooLarge" | "noMessageId" | "badShape";
      readonly messageId: string | null;
      readonly route: Route | null;
      readonly reason: string;
    };

/** What a message of ours is told apart by and when it was made: both come from the caller's ports. */
export interface MessageIds {
  readonly msgId: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** A message on its way up; what is left out of the header is empty there. */
export interface Outgoing {
  readonly header?: {
    readonly parent_msg_id?: string;
    readonly sync?: boolean;
    readonly resourceversion?: string;
  };
  readonly route: Route;
  readonly content: unknown;
}

/** Lower-case hexadecimal only: protocol.md §0.2. */
const messageIdPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const envelopeKeys = knownKeys(["header", "route", "content"]);
const headerKeys = knownKeys(["msg_id", "parent_msg_id", "timestamp", "sync", "resourceversion"]);
const routeKeys = knownKeys(["source", "group", "operation", "resource"]);

/** Reads one message off the wire. Never throws, whatever the text is. */
export function decodeMessage(text: string): Decoded {
  if (isLongerThan(text, maxMessageBytes)) return refuse("tooLarge", `The message is ${tooLong}`);
  if (nestsDeeperThan(text, maxNesting)) return refuse("notJson", `The message ${tooDeep}`);
  const parsed = parseJson(text);
  if (!parsed.ok) return refuse("notJson", "The message is not JSON");
  if (!isObject(parsed.value)) return refuse("notJson", "The message is not a JSON object");
  return decodeEnvelope(parsed.value);
}

const tooLong = `over ${maxMessageBytes} bytes`;
const tooDeep = `nests deeper than ${maxNesting} levels`;

/** Why a text is not parsed as JSON at all, null when it may be: the limits of a message hold for every source. */
export function jsonTrouble(text: string): string | null {
  if (isLongerThan(text, maxMessageBytes)) return tooLong;
  return nestsDeeperThan(text, maxNesting) ? tooDeep : null;
}

function decodeEnvelope(envelope: object): Decoded {
  const outer = foldObject(envelope, envelopeKeys);
  const header = readHeader(outer.values.get("header"));
  if (header === null) return refuse("noMessageId", "header.msg_id is not there, or is no lower-case uuid");
  const { messageId } = header;
  const route = readRoute(outer.values.get("route"));
  const twice = outer.twice[0] ?? header.twice ?? route.twice;
  if (twice !== undefined) {
    const reason = `${twice.first} and ${twice.second} are the same field; expected one of them`;
    return refuse("badShape", reason, messageId, route.value);
  }
  if (route.value === null) {
    return refuse("badShape", "route lacks source, group, operation or resource; expected four strings", messageId);
  }
  if (typeof header.reason === "string") return refuse("badShape", header.reason, messageId, route.value);
  const content = unquote(outer.values.get("content"));
  if (!content.ok) return refuse("badShape", content.reason, messageId, route.value);
  return { ok: true, message: { header: header.value, route: route.value, content: content.value } };
}

type Twice = { readonly first: string; readonly second: string } | undefined;

interface ReadHeader {
  readonly messageId: string;
  readonly value: MessageHeader;
  readonly twice: Twice;
  readonly reason: string | null;
}

/** Null without a usable msg_id. Nothing validates the timestamp, so a strange one counts as 0 (protocol.md §0.1). */
function readHeader(source: unknown): ReadHeader | null {
  if (!isObject(source)) return null;
  const { values, twice } = foldObject(source, headerKeys);
  const messageId = values.get("msg_id");
  if (typeof messageId !== "string" || !messageIdPattern.test(messageId)) return null;
  const parent = values.get("parent_msg_id") ?? "";
  const sync = values.get("sync") ?? false;
  const version = values.get("resourceversion") ?? "";
  const timestamp = values.get("timestamp");
  const value: MessageHeader = {
    msg_id: messageId,
    parent_msg_id: typeof parent === "string" ? parent : "",
    timestamp: typeof timestamp === "number" ? timestamp : 0,
    sync: sync === true,
    resourceversion: typeof version === "string" ? version : "",
  };
  let reason: string | null = null;
  if (typeof parent !== "string") reason = "header.parent_msg_id is not a string; expected it empty";
  else if (typeof sync !== "boolean") reason = "header.sync is not a boolean; expected true or false";
  else if (typeof version !== "string") reason = "header.resourceversion is not a string; expected at most 32 digits";
  return { messageId, value, twice: twice[0], reason };
}

function readRoute(source: unknown): { readonly value: Route | null; readonly twice: Twice } {
  if (!isObject(source)) return { value: null, twice: undefined };
  const { values, twice } = foldObject(source, routeKeys);
  const [from, group, operation, resource] = ["source", "group", "operation", "resource"].map((key) => values.get(key));
  const allText =
    typeof from === "string" &&
    typeof group === "string" &&
    typeof operation === "string" &&
    typeof resource === "string";
  return { value: allText ? { source: from, group, operation, resource } : null, twice: twice[0] };
}

/**
 * Unquotes a string that holds JSON (decisions.md 40: some centers quote their content). Another string ("OK", "") stays
 * as it is.
 */
function unquote(
  content: unknown,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string } {
  if (typeof content !== "string") return { ok: true, value: content ?? null };
  if (nestsDeeperThan(content, maxNesting))
    return { ok: false, reason: `content nests deeper than ${maxNesting} levels` };
  const inner = parseJson(content);
  return { ok: true, value: inner.ok ? inner.value : content };
}

function refuse(
  code: "notJson" | "tooLarge" | "noMessageId" | "badShape",
  reason: string,
  messageId: string | null = null,
  route: Route | null = null,
): Decoded {
  return { ok: false, code, messageId, route, reason };
}

function parseJson(text: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    return { ok: false };
  }
}

/** Whether the text is over so many bytes in UTF-8, without encoding it where its length settles that. */
function isLongerThan(text: string, bytes: number): boolean {
  if (text.length > bytes) return true;
  if (text.length * 3 <= bytes) return false;
  return new TextEncoder().encode(text).length > bytes;
}

/** All but brackets: strings whole, also one that never ends, and whatever is no string. */
const notBrackets = /"[^"\\]*(?:\\.[^"\\]*)*"?|[^"{}[\]]+/gs;

/** Counts brackets outside strings: it decides before anything recursive sees the value. */
function nestsDeeperThan(text: string, limit: number): boolean {
  const brackets = text.replace(notBrackets, "");
  let depth = 0;
  for (let i = 0; i < brackets.length; i += 1) {
    const code = brackets.charCodeAt(i);
    if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > limit) return true;
    } else depth -= 1;
  }
  return false;
}

/** The text of a message of ours, with every internal key blank as the center knows it: protocol.md §0.1. */
export function encodeMessage(message: Outgoing, ids: MessageIds): string {
  const { route, header } = message;
  return JSON.stringify({
    header: {
      id: "",
      msg_id: ids.msgId,
      parentId: "",
      parent_msg_id: header?.parent_msg_id ?? "",
      isSync: false,
      sync: header?.sync ?? false,
      timestamp: ids.timestamp,
      version: "",
      resourceversion: header?.resourceversion ?? "",
      nodeId: "",
      peerInfo: {},
    },
    router: { source: "", destination: "", option: "", resource: "" },
    route: { source: route.source, group: route.group, operation: route.operation, resource: route.resource },
    content: message.content ?? null,
  });
}
