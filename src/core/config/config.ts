// core/config: the configuration file: its schema, defaults and problems.

import * as v from "valibot";
import { defaultProtectedPaths } from "../admission/context.ts";
import { describe } from "../admission/findings.ts";
import type { Policy } from "../admission/policy.ts";
import { isVain } from "../admission/rules/host-paths.ts";
import { closest, unknownName } from "../base/closest.ts";
import { isObject } from "../base/json-keys.ts";
import { ownValue } from "../base/own-value.ts";
import { shownUrl } from "../base/shown-url.ts";
import type { Violation, Warning } from "../base/violation.ts";
import { configSchema, reservedKeys } from "./config-schema.ts";
import { fillSerialNumber } from "./serial-number.ts";

/** `edge.config.json` (contracts.md) with every default filled in. */
export interface Config {
  readonly node: {
    readonly name: string;
    readonly serialNumber: string | null;
    /** Where the nodes of NPUs are. */
    readonly deviceDir: string;
  };
  readonly center: {
    readonly url: string;
    readonly tls: {
      readonly ca: string | null;
      readonly cert: string | null;
      readonly key: string | null;
      readonly serverName: string | null;
    };
    readonly headers: Readonly<Record<string, string>>;
    /** The file holds `user:password` for basic authentication. */
    readonly auth: { readonly file: string | null };
    /** Address of an HTTP proxy; null where the environment says which, if any. */
    readonly proxy: string | null;
    /** As `auth`, for the proxy. */
    readonly proxyAuth: { readonly file: string | null };
    readonly statusPeriodSeconds: number;
    readonly keepaliveSeconds: number;
    /** Whether permessage-deflate is offered. */
    readonly compression: boolean;
    readonly statusDialect: "kubernetes" | "fusion-director";
  };
  readonly engine: { readonly socket: string };
  readonly data: {
    readonly dir: string;
    readonly runDir: string;
    readonly outbox: { readonly maxBytes: number; readonly maxMessages: number };
    readonly events: { readonly maxBytes: number; readonly maxRows: number };
  };
  readonly local: {
    /** Where archives of images are. */
    readonly imagesDir: string;
    /** Where factory pods are. */
    readonly podsDir: string;
  };
  readonly policy: Policy;
  /** Per cent of the engine's file system; 100 removes nothing. */
  readonly images: { readonly high: number; readonly low: number };
  readonly log: { readonly level: "debug" | "info" | "warn" | "error" };
}

export type ParsedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Warning[] }
  | { readonly ok: false; readonly violations: readonly Violation[] };

type ConfigIssue = v.InferIssue<typeof configSchema>;

export interface ParseConfigOptions {
  /** An unknown key is a violation; otherwise a warning (lifecycle.md, Configuration). */
  readonly strict: boolean;
  /** The device's own, for `{serialNumber}`; without it there is none. */
  readonly serialNumber?: () => string | null;
}

/** Reads the configuration, its placeholders filled. */
export function parseConfig(value: unknown, { strict, serialNumber }: ParseConfigOptions): ParsedConfig {
  const warnings: Warning[] = [];
  const filled = fillSerialNumber(value, serialNumber ?? (() => null));
  const violations: Violation[] = filled.missing.map(noSerialNumber);
  const rest = structuredClone(filled.value);
  // The schema tells one unknown key of an object at a time, so what it told is taken out until it is content.
  for (let round = 0; round < 1000; round += 1) {
    const parsed = v.safeParse(configSchema, rest);
    const unknown = (parsed.issues ?? []).filter(isUnknownKey);
    for (const issue of unknown) {
      const path = pathOf(issue);
      const message = unknownKeySentence(path);
      if (strict) violations.push({ path, rule: "config.unknown", message, value: null });
      else warnings.push({ path, message: `${message} (ignored)` });
      removeKey(issue);
    }
    if (unknown.length > 0) continue;
    violations.push(...(parsed.issues ?? []).map(violationOf));
    if (!parsed.success || violations.length > 0) return { ok: false, violations };
    const config = plain(parsed.output);
    return { ok: true, config, warnings: [...warnings, ...reservedIn(rest), ...vainIn(config), ...vainProxy(config)] };
  }
  return { ok: false, violations };
}

/** The output without what is reserved. */
function plain({ node, center, engine, data, local, policy, images, log }: v.InferOutput<typeof configSchema>): Config {
  const { url, tls, headers, auth, proxy, proxyAuth, ...others } = center;
  const { statusPeriodSeconds, keepaliveSeconds, compression, statusDialect } = others;
  return {
    node,
    center: {
      url,
      tls,
      headers,
      auth,
      proxy,
      proxyAuth,
      statusPeriodSeconds,
      keepaliveSeconds,
      compression,
      statusDialect,
    },
    engine: { socket: engine.socket },
    data: { dir: data.dir, runDir: data.runDir, outbox: data.outbox, events: data.events },
    local: { imagesDir: local.imagesDir ?? `${data.dir}/images`, podsDir: local.podsDir },
    policy,
    images,
    log,
  };
}

function isUnknownKey(issue: ConfigIssue): boolean {
  return issue.type === "strict_object" && issue.expected === "never" && issue.path !== undefined;
}

function removeKey(issue: ConfigIssue): void {
  const last = issue.path?.at(-1);
  if (last?.type === "object") Reflect.deleteProperty(last.input, String(last.key));
}

function unknownKeySentence(path: string): string {
  const names = path.split(".");
  const meant = closest(names.at(-1) ?? "", keysAt(configSchema, names.slice(0, -1)));
  return unknownName("key", path, meant === null ? null : [...names.slice(0, -1), meant].join("."));
}

/** The keys that an object of the configuration may have; none where the path leads to no object. */
function keysAt(schema: unknown, names: readonly string[]): readonly string[] {
  const entries = entriesOf(schema);
  const [name, ...more] = names;
  if (name === undefined) return Object.keys(entries);
  return Object.hasOwn(entries, name) ? keysAt(Reflect.get(entries, name), more) : [];
}

/** Of an object's schema, below what valibot wraps it in: `pipe` and `optional`. */
function entriesOf(schema: unknown): object {
  if (!isObject(schema)) return {};
  if ("entries" in schema && isObject(schema.entries)) return schema.entries;
  if ("wrapped" in schema) return entriesOf(schema.wrapped);
  if (!("pipe" in schema) || !Array.isArray(schema.pipe)) return {};
  return (
    schema.pipe
      .filter((part) => part !== schema)
      .map(entriesOf)
      .find((entries) => Object.keys(entries).length > 0) ?? {}
  );
}

function noSerialNumber(path: string): Violation {
  const message = `${path} uses {serialNumber}, and no serial number of this device can be read; set node.serialNumber`;
  return { path, rule: "config.serialNumber", message, value: null };
}

function pathOf(issue: ConfigIssue): string {
  let text = "";
  for (const { key } of issue.path ?? []) text += typeof key === "number" ? `[${key}]` : `.${String(key)}`;
  return text.replace(/^\./, "");
}

function violationOf(issue: ConfigIssue): Violation {
  const path = pathOf(issue);
  const last = issue.path?.at(-1);
  // A header may hold a password.
  const isSecret = path.startsWith("center.headers");
  // Of a check on a whole object that is told of one key, the value is the key's.
  const told = last?.type === "unknown" ? last.value : issue.input;
  const isAddress = path === "center.url" || path === "center.proxy";
  const input = isAddress && typeof told === "string" ? shownUrl(told) : told;
  const shown = describe(input, isSecret);
  const expectation = input === undefined && last !== undefined ? "a value" : issue.message;
  const name = path === "" ? "The configuration" : path;
  const value = isSecret || typeof input === "object" ? null : (input ?? null);
  return {
    path,
    rule: `config.${path.replace(/\[\d+\]/g, "")}`,
    message: `${name} is ${shown}; expected ${expectation}`,
    value,
  };
}

/** What a configuration names that no pod may see: the agent's folders and credentials, and the way to the engine. */
export function ownPaths({ data, engine, local, center: { tls, auth, proxyAuth } }: Config): readonly string[] {
  const files = [tls.cert, tls.key, auth.file, proxyAuth.file].filter((file) => file?.startsWith("/") === true);
  return [
    data.dir,
    data.runDir,
    local.imagesDir,
    local.podsDir,
    engine.socket,
    ...files.filter((file) => file !== null),
  ];
}

/** Host paths that the policy allows without effect (decisions.md 27: protected paths are never mounted). */
function vainIn(config: Config): readonly Warning[] {
  const { policy } = config;
  const hidden = [...ownPaths(config), ...defaultProtectedPaths];
  return (["hostPaths", "writableHostPaths"] as const).flatMap((list) =>
    policy[list].flatMap((entry, index) => {
      const path = `policy.${list}[${index}]`;
      const message = `${path} is "${entry}", which no pod may see; it has no effect`;
      return isVain(entry, hidden) ? [{ path, message }] : [];
    }),
  );
}

/** A ws:// center is on this device, and its secrets go in the clear: they are sent through no proxy. */
function vainProxy({ center: { url, proxy } }: Config): readonly Warning[] {
  if (proxy === null || !url.startsWith("ws:")) return [];
  const message = `center.proxy is "${proxy}", and a ws:// center is never reached through a proxy; it has no effect`;
  return [{ path: "center.proxy", message }];
}

function reservedIn(value: unknown): readonly Warning[] {
  return reservedKeys.flatMap((path) => {
    let inner: unknown = value;
    for (const key of path.split("."))
      inner = isObject(inner) ? ownValue(inner as Readonly<Record<string, unknown>>, key) : undefined;
    return inner === undefined
      ? []
      : [{ path, message: `${path} is reserved for a later version; it has no effect yet` }];
  });
}
