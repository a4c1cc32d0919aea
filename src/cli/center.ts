import { closeSync, fstatSync, openSync, readFileSync, writeSync } from "node:fs";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { type Center, serveControl } from "../center/control.ts";
import { centerHistories } from "../center/histories.ts";
import { type CenterNodes, centerNodes } from "../center/nodes.ts";
import { listen, type ServerHandlers, type ServerOptions } from "../center/server.ts";
import { printable } from "../core/base/printable.ts";
import { shorten } from "../core/base/shorten.ts";
import { exitCodes, type Output } from "./output.ts";

export interface CenterOptions {
  readonly listen: string;
  readonly tls?: string;
  readonly record?: string;
  readonly control?: string;
}

/** Beyond it nothing more is recorded: a forgotten center must not fill a disk. */
const maxRecordBytes = 1_073_741_824;
const contentCharacters = 160;
const loopback = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** `edge center` (contracts.md): a central node for development and tests, until the signal aborts. */
export async function centerCommand(options: CenterOptions, io: Output, signal: AbortSignal): Promise<number> {
  const place = parsePlace(options.listen);
  if (place === null) {
    io.err(`--listen takes HOST:PORT: current value is ${options.listen}`);
    return exitCodes.usage;
  }
  if (options.tls === undefined && !loopback.test(place.host)) {
    io.err(`Without --tls it listens on a loopback address only: current value is ${place.host}`);
    return exitCodes.usage;
  }
  io.out("This central node is for development and tests only: it trusts every client");
  const opened: (() => void | Promise<void>)[] = [];
  try {
    await open(options, place, io, opened);
    await aborted(signal);
    return exitCodes.fine;
  } catch (error) {
    io.err(`The center cannot start: ${error instanceof Error ? error.message : String(error)}`);
    return exitCodes.no;
  } finally {
    for (const close of opened.reverse()) await close();
  }
}

async function open(
  options: CenterOptions,
  place: { readonly host: string; readonly port: number },
  io: Output,
  opened: (() => void | Promise<void>)[],
): Promise<void> {
  const tls = options.tls === undefined ? undefined : readTls(options.tls);
  const record = options.record === undefined ? null : openRecord(options.record, io);
  if (record !== null) opened.push(record.close);
  const nodes = centerNodes();
  const histories = centerHistories();
  const received = (node: string, text: string): void => {
    record?.write(node, text);
    histories.received(node, text);
  };
  const server = await listen({ ...place, tls, history: true }, handlersOf(nodes, io, received));
  opened.push(server.close);
  if (options.control !== undefined) opened.push(await openControl(options.control, { server, nodes, histories }, io));
  const host = isIPv6(place.host) ? `[${place.host}]` : place.host;
  const scheme = tls === undefined ? "ws" : "wss";
  io.out(`Listening on ${scheme}://${host}:${server.port}/websocket/NODE/events`);
}

async function openControl(path: string, center: Omit<Center, "sent">, io: Output): Promise<() => Promise<void>> {
  const sent = (node: string, text: string): void => {
    center.histories.sent(node, text);
    io.out(`${now()} > ${node} ${describe(text)}`);
  };
  const control = await serveControl(path, { ...center, sent });
  io.out(`Control socket ${path}`);
  return control.close;
}

function handlersOf(nodes: CenterNodes, io: Output, record: (node: string, text: string) => void): ServerHandlers {
  return {
    connected(node) {
      nodes.connected(node, now());
      io.out(`${now()} + ${node} connected`);
    },
    message(node, text) {
      record(node, text);
      io.out(`${now()} < ${node} ${describe(text)}`);
      nodes.message(node, now(), text);
    },
    disconnected(node, { code, reason }) {
      nodes.disconnected(node);
      io.out(`${now()} - ${node} disconnected: ${code} ${JSON.stringify(reason)}`);
    },
  };
}

/** `HOST:PORT`, an IPv6 address in brackets. */
function parsePlace(text: string): { readonly host: string; readonly port: number } | null {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host === undefined || port > 65_535 ? null : { host, port };
}

function readTls(dir: string): ServerOptions["tls"] {
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => readFileSync(join(dir, name)));
  if (ca === undefined || cert === undefined || key === undefined) throw new Error(`No certificates in ${dir}`);
  return { ca, cert, key };
}

function openRecord(path: string, io: Output) {
  const file = openSync(path, "a", 0o600);
  let bytes = fstatSync(file).size;
  let isFull = false;
  return {
    write(node: string, text: string): void {
      const line = Buffer.from(`${JSON.stringify({ at: now(), node, message: jsonOr(text) })}\n`);
      if (bytes + line.length > maxRecordBytes) {
        if (!isFull) io.err(`${path} has reached ${maxRecordBytes} bytes: nothing more is recorded`);
        isFull = true;
        return;
      }
      bytes += writeSync(file, line);
    },
    close: (): void => closeSync(file),
  };
}

/** One line for people: where it goes, what it answers, and the beginning of what it says. */
function describe(text: string): string {
  const { header, route, content } = Object(jsonOr(text));
  if (typeof route !== "object" || route === null) return `not a message: ${said(text)}`;
  const { source, group, operation, resource } = Object(route);
  const parent = Object(header).parent_msg_id;
  const answers = typeof parent === "string" && parent !== "" ? ` answers ${parent}` : ` ${Object(header).msg_id}`;
  return `${source}/${group}/${operation} ${resource}${answers}: ${said(JSON.stringify(content) ?? "")}`;
}

function said(text: string): string {
  return printable(shorten(text, contentCharacters));
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function now(): string {
  return new Date().toISOString();
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
