import * as v from "valibot";
import { cleanPath } from "../admission/path.ts";
import { capabilityName, isCapability } from "../admission/rules/capabilities.ts";
import { isQuantity } from "../admission/rules/schema.ts";
import { isObject } from "../base/json-keys.ts";

/** Words for what a field expects; every issue of its schema is told with them. */
function field<const T extends v.GenericSchema>(schema: T, expectation: string) {
  return v.message(schema, expectation);
}

/** What the key means, for docs/configuration.md and for editors. */
function described<const T extends v.GenericSchema>(schema: T, meaning: string) {
  return v.pipe(schema, v.description(meaning));
}

function whole(least: number, most: number, meaning: string) {
  const schema = v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
  return described(field(schema, `a whole number from ${least} to ${most}`), meaning);
}

function flag(meaning: string) {
  return v.optional(described(field(v.boolean(), "true or false"), meaning), false);
}

function file(meaning: string) {
  const schema = field(v.pipe(v.string(), v.minLength(1)), "the path of a file");
  return v.optional(v.nullable(described(schema, meaning)), null);
}

function folder(meaning: string) {
  const schema = v.pipe(v.string(), v.maxLength(1024), v.regex(/^\/[^\0]+$/), v.transform(cleanPath));
  return described(field(schema, "an absolute path"), meaning);
}

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
function allowedPaths(meaning: string) {
  const schema = field(v.pipe(v.array(allowedPath), v.maxLength(256)), "a list of at most 256 paths");
  return v.optional(described(schema, meaning), []);
}

const capabilities = v.optional(
  described(
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
    "Linux capabilities that pods may add. `ALL` allows every one.",
  ),
  [],
);

function quantity(meaning: string) {
  const schema = v.pipe(
    v.union([v.string(), v.number()]),
    v.check((value) => isQuantity(value)),
    v.transform(String),
  );
  return described(field(schema, 'a quantity such as "1" or "1024Mi"'), meaning);
}

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

/** The password has a file of its own: an address is printed and logged. */
function isProxyUrl(text: string): boolean {
  if (text.length > 2048 || !/^http:\/\/[^\s]+$/.test(text) || !URL.canParse(text)) return false;
  const { username, password, pathname, search, hash } = new URL(text);
  return username === "" && password === "" && pathname === "/" && search === "" && hash === "";
}

/** Known already, so that a later version's file is no error here; nothing is done with them yet (lifecycle.md). */
const reserved = v.optional(v.unknown());
export const reservedKeys: readonly string[] = ["center.urls", "center.namespace", "engine.log"];

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
  hostPaths: allowedPaths("Host paths that pods may mount. An entry that ends in `/**` allows every path below it."),
  writableHostPaths: allowedPaths("Host paths that pods may mount and write to. The form is that of `hostPaths`."),
  writableEmptyDir: flag("Pods may write to emptyDir volumes on disk."),
  memoryEmptyDir: flag("Pods may have emptyDir volumes in memory."),
  capabilities,
  privileged: flag("Pods may run privileged containers."),
  allowPrivilegeEscalation: flag("Processes of a pod may gain more privileges than their parent."),
  allowReadWriteRootFs: flag("Containers may write to their root file system."),
  runAsRoot: flag("Containers may run as user 0 or group 0."),
  useHostNetwork: flag("Pods may use the network of the device."),
  hostPid: flag("Pods may see the processes of the device."),
  probeOtherHosts: flag("Probes may ask other hosts than the pod."),
  useDefaultContainerCap: flag("Containers keep the default capabilities of the engine. Else they have none."),
  maxContainerNumber: v.optional(whole(1, 128, "Containers of all pods together."), 20),
  systemReserved: section({
    cpu: v.optional(quantity("Processor time that pods may not use."), "1"),
    memory: v.optional(quantity("Memory that pods may not use."), "1024Mi"),
  }),
});

/** What `center.url` is on a device that only has pods of its own. */
export const noCenter = "";

const headerWords = "names and values of HTTP headers";

const centerSchema = objectOf(
  {
    url: v.optional(
      described(
        field(
          v.pipe(
            v.string(),
            v.check((text) => text === noCenter || isCenterUrl(text)),
          ),
          "a wss:// address, or ws:// of a loopback address",
        ),
        "Address of the center: `wss://`, or `ws://` for a loopback address. Empty for a device without a center.",
      ),
      noCenter,
    ),
    tls: section({
      ca: file("PEM file with the authorities of the center. Without it the authorities of the system count."),
      cert: file("PEM file with the certificate of the device. The agent reads changed files within 5 s."),
      key: file("PEM file with its private key. Everybody else must not be able to read it."),
      serverName: file("Name that the certificate of the center must have, if it is not the host of `center.url`."),
    }),
    headers: v.optional(
      described(
        recordOf(
          field(v.pipe(v.string(), v.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/)), headerWords),
          field(v.pipe(v.string(), v.regex(/^[\t\x20-\x7e]{0,4096}$/)), headerWords),
          headerWords,
        ),
        "HTTP headers of the WebSocket request.",
      ),
      {},
    ),
    auth: section({
      file: file("File of mode 0600 with `user:password` on its first line, for basic authentication."),
    }),
    proxy: v.optional(
      v.nullable(
        described(
          field(v.pipe(v.string(), v.check(isProxyUrl)), "http://HOST:PORT of a proxy, without user and password"),
          "Address of an HTTP proxy on the way to a `wss://` center: `http://HOST:PORT`. Without it HTTPS_PROXY and NO_PROXY count.",
        ),
      ),
      null,
    ),
    proxyAuth: section({
      file: file("File of mode 0600 with `user:password` of the proxy on its first line, for basic authentication."),
    }),
    statusPeriodSeconds: v.optional(whole(5, 3600, "Seconds between two podstatus messages, if nothing changes."), 30),
    keepaliveSeconds: v.optional(
      whole(5, 300, "Seconds between two pings. The connection ends after two without an answer."),
      15,
    ),
    compression: flag("Offer permessage-deflate. It saves traffic and costs memory and time."),
    statusDialect: v.optional(
      described(
        field(v.picklist(["kubernetes", "fusion-director"]), "kubernetes or fusion-director"),
        "Words for the states of containers in podstatus.",
      ),
      "kubernetes",
    ),
    urls: reserved,
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
        name: described(
          field(
            // The placeholder has been filled before; it is here for the editors that the JSON schema is made for.
            v.pipe(v.string(), v.regex(/^(?:[A-Za-z0-9]|\{serialNumber\})(?:[A-Za-z0-9._-]|\{serialNumber\}){0,252}$/)),
            "1 to 253 characters of a-z A-Z 0-9 . _ -, the first a letter or digit",
          ),
          "Name of the node: 1 to 253 characters of `a-z A-Z 0-9 . _ -`, the first a letter or digit.",
        ),
        serialNumber: v.optional(
          v.nullable(
            described(
              field(
                v.pipe(v.string(), v.regex(/^(?:[A-Za-z0-9._-]{1,128}|\{serialNumber\})$/)),
                "1 to 128 characters of a-z A-Z 0-9 . _ -",
              ),
              "Serial number in nodestatus. Without it the agent sends the name in lower case.",
            ),
          ),
          null,
        ),
        deviceDir: v.optional(folder("Folder with the device nodes of NPUs."), "/dev"),
      },
      "an object with name",
    ),
    center: v.optional(centerSchema, {} as never),
    engine: section({
      socket: v.optional(
        folder("Unix socket of the Docker engine, 18.09 (API 1.39) or later."),
        "/var/run/docker.sock",
      ),
      log: reserved,
    }),
    data: section({
      dir: v.optional(folder("Folder of the store."), "/var/lib/edge"),
      runDir: v.optional(folder("Folder on a tmpfs for the lock and the status of the running agent."), "/run/edge"),
      outbox: section({
        maxBytes: v.optional(
          whole(
            65_536,
            2 ** 40,
            "Bytes that may wait for the center (default 64 MiB). At the limit the oldest message that is not a reply goes first.",
          ),
          67_108_864,
        ),
        maxMessages: v.optional(whole(100, 10_000_000, "Messages that may wait for the center."), 100_000),
      }),
      events: section({
        maxBytes: v.optional(
          whole(
            65_536,
            2 ** 30,
            "Bytes of events that are kept (default 8 MiB). The pod with the most events loses its oldest.",
          ),
          8_388_608,
        ),
        maxRows: v.optional(whole(100, 1_000_000, "Events that are kept."), 10_000),
      }),
    }),
    local: section({
      imagesDir: v.optional(
        v.nullable(folder("Folder with archives of images (docker save). Default: `images` in `data.dir`.")),
        null,
      ),
      podsDir: v.optional(
        folder("Folder of factory pods: one Pod a file, `.yaml`, `.yml` or `.json`."),
        "/etc/edge/pods.d",
      ),
    }),
    policy: policySchema,
    log: section({
      level: v.optional(
        described(
          field(v.picklist(["debug", "info", "warn", "error"]), "debug, info, warn or error"),
          "Least important level that the agent logs.",
        ),
        "info",
      ),
    }),
    images: v.optional(
      v.pipe(
        objectOf(
          {
            high: v.optional(
              whole(
                1,
                100,
                "Per cent of the engine's disk. Above it the agent deletes images that it pulled and no pod needs.",
              ),
              80,
            ),
            low: v.optional(whole(0, 99, "Per cent down to which it deletes. Must be less than `high`."), 70),
          },
          "an object",
        ),
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
