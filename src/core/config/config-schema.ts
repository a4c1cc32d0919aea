import * as v from "valibot";
import { cleanPath } from "../admission/path.ts";
import { capabilityName, isCapability } from "../admission/rules/capabilities.ts";
import { isQuantity } from "../admission/rules/schema.ts";
import { isObject } from "../base/json-keys.ts";

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

/**
 * An absolute path, or one that ends in `/**` and stands for every path below it (decisions.md 20: no link may
 * lead out of what is allowed).
 */
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
export const reservedKeys: readonly string[] = ["center.urls", "center.proxy", "center.namespace", "engine.log"];

/** An object with these keys. Valibot alone lets a list pass for one. */
function objectOf<const E extends v.ObjectEntries>(entries: E, expectation: string) {
  return v.pipe(v.custom<object>(isObject, expectation), v.strictObject(entries, expectation));
}

/** An object whose keys all have defaults may be left out. */
function section<const E extends v.ObjectEntries>(entries: E) {
  return v.optional(objectOf(entries, "an object"), {} as never);
}

/** Valibot leaves these out of a record without a word: nothing that somebody wrote may vanish. */
const lostKeys: readonly string[] = ["__proto__", "prototype", "constructor"];

/** An object of names and values of one kind, none of which is dropped: a name that cannot be kept is refused. */
export function recordOf<const K extends v.GenericSchema<string, string>, const V extends v.GenericSchema>(
  key: K,
  value: V,
  expectation: string,
) {
  const isKept = (input: object): boolean => !lostKeys.some((name) => Object.hasOwn(input, name));
  return v.pipe(
    v.custom<object>(isObject, expectation),
    v.check(isKept, `${expectation}, none of which is called ${lostKeys.join(", ")}`),
    v.record(key, value, expectation),
  );
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
  probeOtherHosts: flag,
  useDefaultContainerCap: flag,
  maxContainerNumber: v.optional(whole(1, 128), 20),
  systemReserved: section({ cpu: v.optional(quantity, "1"), memory: v.optional(quantity, "1024Mi") }),
});

const headerWords = "names and values of HTTP headers";

const centerSchema = objectOf(
  {
    url: field(v.pipe(v.string(), v.check(isCenterUrl)), "a wss:// address, or ws:// of a loopback address"),
    tls: section({ ca: file, cert: file, key: file, serverName: file }),
    headers: v.optional(
      recordOf(
        field(v.pipe(v.string(), v.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/)), headerWords),
        field(v.pipe(v.string(), v.regex(/^[\t\x20-\x7e]{0,4096}$/)), headerWords),
        headerWords,
      ),
      {},
    ),
    auth: section({ file }),
    statusPeriodSeconds: v.optional(whole(5, 3600), 30),
    keepaliveSeconds: v.optional(whole(5, 300), 15),
    compression: flag,
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
export const configSchema = objectOf(
  {
    $schema: v.optional(v.string()),
    node: objectOf(
      {
        name: field(
          // The placeholder has been filled before; it is here for the editors that the JSON schema is made for.
          v.pipe(v.string(), v.regex(/^(?:[A-Za-z0-9]|\{serialNumber\})(?:[A-Za-z0-9._-]|\{serialNumber\}){0,252}$/)),
          "1 to 253 characters of a-z A-Z 0-9 . _ -, the first a letter or digit",
        ),
        serialNumber: v.optional(
          v.nullable(
            field(
              v.pipe(v.string(), v.regex(/^(?:[A-Za-z0-9._-]{1,128}|\{serialNumber\})$/)),
              "1 to 128 characters of a-z A-Z 0-9 . _ -",
            ),
          ),
          null,
        ),
        deviceDir: v.optional(folder, "/dev"),
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
    images: v.optional(
      v.pipe(
        objectOf({ high: v.optional(whole(1, 100), 80), low: v.optional(whole(0, 99), 70) }, "an object"),
        v.forward(
          v.check(
            ({ high, low }) => low < high,
            ({ input }) => `less than images.high, which is ${input.high}`,
          ),
          ["low"],
        ),
      ),
      {},
    ),
  },
  "an object with node and center",
);
