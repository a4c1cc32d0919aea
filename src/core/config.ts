import * as v from "valibot";
import { describe } from "./admission/findings.ts";
import { cleanPath } from "./admission/path.ts";
import type { Policy } from "./admission/policy.ts";
import { capabilityName, isCapability } from "./admission/rules/capabilities.ts";
import { isQuantity } from "./admission/rules/schema.ts";
import type { Violation, Warning } from "./admission/verdict.ts";
import { isObject } from "./protocol/keys.ts";

/** `edge.config.json` (contracts.md) with every default filled in. */
export interface Config {
  readonly node: { readonly name: string; readonly serialNumber: string | null };
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
    readonly statusPeriodSeconds: number;
    readonly keepaliveSeconds: number;
    readonly statusDialect: "kubernetes" | "fusion-director";
  };
  readonly engine: { readonly socket: string };
  readonly data: {
    readonly dir: string;
    readonly runDir: string;
    readonly outbox: { readonly maxBytes: number; readonly maxMessages: number };
    readonly events: { readonly maxBytes: number; readonly maxRows: number };
  };
  readonly policy: Policy;
  readonly log: { readonly level: "debug" | "info" | "warn" | "error" };
}

export type ParsedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Warning[] }
  | { readonly ok: false; readonly violations: readonly Violation[] };

/** Words for what a field expects; every issue of its schema is told with them. */
function field<const T extends v.GenericSchema>(schema: T, expectation: string) {
  return v.message(schema, expectation);
}

function whole(least: number, most: number) {
  const schema = v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
  return field(schema, `a whole number from ${least} to ${most}`);
}

const flag = v.optional(field(v.boolean(), "true or false"), false);
const file = v.optional(v.nullable(field(v.pipe(v.string(), v.minLength(1)), "the path of a file")), null);
const folder = field(
  v.pipe(v.string(), v.maxLength(1024), v.regex(/^\/[^\0]+$/), v.transform(cleanPath)),
  "an absolute path",
);

/** An absolute path, or one that ends in `/**` and stands for what is below it (decisions.md 20). */
const allowedPath = field(
  v.pipe(
    v.string(),
    v.maxLength(1024),
    v.regex(/^\/[a-zA-Z0-9_./-]+(?:\/\*\*)?$/),
    v.check((path) => !path.includes("..")),
    v.transform((path) => (path.endsWith("/**") ? `${cleanPath(path.slice(0, -3))}/**` : cleanPath(path))),
  ),
  "an absolute path of a-z A-Z 0-9 _ . / - without '..', which may end in /**",
);
const allowedPaths = v.optional(
  field(v.pipe(v.array(allowedPath), v.maxLength(256)), "a list of at most 256 paths"),
  [],
);

const capabilities = v.optional(
  field(
    v.array(
      field(
        v.pipe(
          v.string(),
          v.transform(capabilityName),
          v.check((name) => name === "ALL" || isCapability(name)),
        ),
        "a capability that Linux knows, or ALL",
      ),
    ),
    "a list of capabilities",
  ),
  [],
);

const quantity = field(
  v.pipe(
    v.union([v.string(), v.number()]),
    v.check((value) => isQuantity(value)),
    v.transform(String),
  ),
  'a quantity such as "1" or "1024Mi"',
);

/** Secrets would go out in the clear over ws://, so that is for this device only (contracts.md). */
function isCenterUrl(text: string): boolean {
  if (text.length > 2048 || !/^wss?:\/\/[^\s]+$/.test(text)) return false;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return false;
  }
  if (url.username !== "" || url.password !== "" || url.hash !== "") return false;
  return url.protocol === "wss:" || isLoopback(url.hostname);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Known already, so that a later version's file is no error here; nothing is done with them yet (lifecycle.md). */
const reserved = v.optional(v.unknown());
const reservedKeys: readonly string[] = ["center.urls", "center.proxy", "center.namespace", "engine.log", "images"];

/** An object with these keys. Valibot alone lets a list pass for one. */
function objectOf<const E extends v.ObjectEntries>(entries: E, expectation: string) {
  return v.pipe(v.custom<object>(isObject, expectation), v.strictObject(entries, expectation));
}

/** An object whose keys all have defaults may be left out. */
function section<const E extends v.ObjectEntries>(entries: E) {
  return v.optional(objectOf(entries, "an object"), {} as never);
}

const policySchema = section({
  hostPaths: allowedPaths,
  writableHostPaths: allowedPaths,
  writableEmptyDir: flag,
  memoryEmptyDir: flag,
  capabilities,
  privileged: flag,
  allowPrivilegeEscalation: flag,
  allowReadWriteRootFs: flag,
  runAsRoot: flag,
  useHostNetwork: flag,
  hostPid: flag,
  useDefaultContainerCap: flag,
  maxContainerNumber: v.optional(whole(1, 128), 20),
  systemReserved: section({ cpu: v.optional(quantity, "1"), memory: v.optional(quantity, "1024Mi") }),
});

const centerSchema = objectOf(
  {
    url: field(v.pipe(v.string(), v.check(isCenterUrl)), "a wss:// address, or ws:// of a loopback address"),
    tls: section({ ca: file, cert: file, key: file, serverName: file }),
    headers: v.optional(
      field(
        v.record(
          v.pipe(v.string(), v.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/)),
          v.pipe(v.string(), v.regex(/^[\t\x20-\x7e]{0,4096}$/)),
        ),
        "names and values of HTTP headers",
      ),
      {},
    ),
    auth: section({ file }),
    statusPeriodSeconds: v.optional(whole(5, 3600), 30),
    keepaliveSeconds: v.optional(whole(5, 300), 15),
    statusDialect: v.optional(
      field(v.picklist(["kubernetes", "fusion-director"]), "kubernetes or fusion-director"),
      "kubernetes",
    ),
    urls: reserved,
    proxy: reserved,
    namespace: reserved,
  },
  "an object with url",
);

/** The schema of `edge.config.json`. */
const configSchema = objectOf(
  {
    $schema: v.optional(v.string()),
    node: objectOf(
      {
        name: field(
          v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/)),
          "1 to 253 characters of a-z A-Z 0-9 . _ -, the first a letter or digit",
        ),
        serialNumber: v.optional(
          v.nullable(
            field(v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,128}$/)), "1 to 128 characters of a-z A-Z 0-9 . _ -"),
          ),
          null,
        ),
      },
      "an object with name",
    ),
    center: centerSchema,
    engine: section({ socket: v.optional(folder, "/var/run/docker.sock"), log: reserved }),
    data: section({
      dir: v.optional(folder, "/var/lib/edge"),
      runDir: v.optional(folder, "/run/edge"),
      outbox: section({
        maxBytes: v.optional(whole(65_536, 2 ** 40), 67_108_864),
        maxMessages: v.optional(whole(100, 10_000_000), 100_000),
      }),
      events: section({
        maxBytes: v.optional(whole(65_536, 2 ** 30), 8_388_608),
        maxRows: v.optional(whole(100, 1_000_000), 10_000),
      }),
    }),
    policy: policySchema,
    log: section({
      level: v.optional(field(v.picklist(["debug", "info", "warn", "error"]), "debug, info, warn or error"), "info"),
    }),
    images: reserved,
  },
  "an object with node and center",
);

type ConfigIssue = v.InferIssue<typeof configSchema>;

/** Reads the configuration. Strict: an unknown key is a violation; otherwise a warning (lifecycle.md, Configuration). */
export function parseConfig(value: unknown, options: { readonly strict: boolean }): ParsedConfig {
  const warnings: Warning[] = [];
  const violations: Violation[] = [];
  const rest = structuredClone(value);
  // The schema tells one unknown key of an object at a time, so what it told is taken out until it is content.
  for (let round = 0; round < 1000; round += 1) {
    const parsed = v.safeParse(configSchema, rest);
    const unknown = (parsed.issues ?? []).filter(isUnknownKey);
    for (const issue of unknown) {
      const path = pathOf(issue);
      const message = `${path} is not a key of the configuration; it is ignored`;
      if (options.strict) violations.push(unknownKey(path));
      else warnings.push({ path, message });
      removeKey(issue);
    }
    if (unknown.length > 0) continue;
    violations.push(...(parsed.issues ?? []).map(violationOf));
    if (!parsed.success || violations.length > 0) return { ok: false, violations };
    return { ok: true, config: plain(parsed.output), warnings: [...warnings, ...reservedIn(rest)] };
  }
  return { ok: false, violations };
}

/** The output without what is reserved. */
function plain({ node, center, engine, data, policy, log }: v.InferOutput<typeof configSchema>): Config {
  const { url, tls, headers, auth, statusPeriodSeconds, keepaliveSeconds, statusDialect } = center;
  return {
    node,
    center: { url, tls, headers, auth, statusPeriodSeconds, keepaliveSeconds, statusDialect },
    engine: { socket: engine.socket },
    data: { dir: data.dir, runDir: data.runDir, outbox: data.outbox, events: data.events },
    policy,
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

function unknownKey(path: string): Violation {
  const message = `${path} is not a key of the configuration; expected it absent`;
  return { path, rule: "config.unknown", message, value: null };
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
  const shown = describe(issue.input, isSecret);
  const expectation = issue.input === undefined && last !== undefined ? "a value" : issue.message;
  const name = path === "" ? "The configuration" : path;
  const value = isSecret || typeof issue.input === "object" ? null : (issue.input ?? null);
  return {
    path,
    rule: `config.${path.replace(/\[\d+\]/g, "")}`,
    message: `${name} is ${shown}; expected ${expectation}`,
    value,
  };
}

function reservedIn(value: unknown): readonly Warning[] {
  return reservedKeys.flatMap((path) => {
    let inner: unknown = value;
    for (const key of path.split(".")) inner = (inner as Readonly<Record<string, unknown>> | undefined)?.[key];
    return inner === undefined
      ? []
      : [{ path, message: `${path} is reserved for a later version; it has no effect yet` }];
  });
}
