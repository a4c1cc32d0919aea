import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultPolicy } from "../../../../src/core/admission/policy.ts";
import { ownPaths, parseConfig } from "../../../../src/core/config/config.ts";

const small = { node: { name: "edge-1" }, center: { url: "wss://center.example:443/websocket/edge-1/events" } };

function violations(value: unknown, strict = true): readonly string[] {
  const parsed = parseConfig(value, { strict });
  return parsed.ok ? [] : parsed.violations.map(({ path }) => path);
}

const center = (fields: object) => ({ ...small, center: { ...small.center, ...fields } });
const policy = (fields: object) => ({ ...small, policy: fields });

test("everything but the node's name has a default", () => {
  const parsed = parseConfig(small, { strict: true });
  assert.deepEqual(parsed, {
    ok: true,
    warnings: [],
    config: {
      node: { name: "edge-1", serialNumber: null, deviceDir: "/dev" },
      center: {
        url: "wss://center.example:443/websocket/edge-1/events",
        tls: { ca: null, cert: null, key: null, serverName: null },
        headers: {},
        auth: { file: null },
        proxy: null,
        proxyAuth: { file: null },
        statusPeriodSeconds: 30,
        keepaliveSeconds: 15,
        compression: false,
        statusDialect: "kubernetes",
      },
      engine: { socket: "/var/run/docker.sock" },
      data: {
        dir: "/var/lib/edge",
        runDir: "/run/edge",
        outbox: { maxBytes: 67_108_864, maxMessages: 100_000 },
        events: { maxBytes: 8_388_608, maxRows: 10_000 },
      },
      local: { imagesDir: "/var/lib/edge/images", podsDir: "/etc/edge/pods.d" },
      policy: defaultPolicy,
      images: { high: 80, low: 70 },
      log: { level: "info" },
    },
  });
  assert.deepEqual(violations({}), ["node"]);
  assert.deepEqual(violations({ node: {}, center: {} }), ["node.name"]);
  for (const value of [null, 5, [], "x", undefined]) assert.deepEqual(violations(value), [""]);
});

test("archives of images are below the data folder unless local.imagesDir names another one", () => {
  const imagesDir = (fields: object): string | null => {
    const parsed = parseConfig({ ...small, ...fields }, { strict: true });
    return parsed.ok ? parsed.config.local.imagesDir : null;
  };
  assert.equal(imagesDir({ data: { dir: "/srv/edge" } }), "/srv/edge/images");
  assert.equal(imagesDir({ data: { dir: "/srv/edge" }, local: { imagesDir: "/factory/" } }), "/factory");
  assert.deepEqual(violations({ ...small, local: { imagesDir: "images" } }), ["local.imagesDir"]);
});

test("a configuration that is a list is rejected", () => {
  assert.deepEqual(violations({ ...small, policy: [], data: { outbox: [] } }), ["data.outbox", "policy"]);
});

test("numbers of the configuration are checked at both edges of their range", () => {
  const edges = [
    ["statusPeriodSeconds", 5, 3600],
    ["keepaliveSeconds", 5, 300],
  ] as const;
  for (const [name, least, most] of edges) {
    for (const value of [least, most]) assert.deepEqual(violations(center({ [name]: value })), []);
    for (const value of [least - 1, most + 1, least + 0.5, "30", null]) {
      assert.deepEqual(violations(center({ [name]: value })), [`center.${name}`]);
    }
  }
  const events = (fields: object) => ({ ...small, data: { events: fields } });
  for (const value of [65_536, 2 ** 30]) assert.deepEqual(violations(events({ maxBytes: value })), []);
  for (const value of [100, 1_000_000]) assert.deepEqual(violations(events({ maxRows: value })), []);
  for (const value of [65_535, 2 ** 30 + 1]) {
    assert.deepEqual(violations(events({ maxBytes: value })), ["data.events.maxBytes"]);
  }
  for (const value of [99, 1_000_001])
    assert.deepEqual(violations(events({ maxRows: value })), ["data.events.maxRows"]);
  for (const value of [1, 128]) assert.deepEqual(violations(policy({ maxContainerNumber: value })), []);
  for (const value of [0, 129])
    assert.deepEqual(violations(policy({ maxContainerNumber: value })), ["policy.maxContainerNumber"]);
});

test("ws:// is accepted for loopback only", () => {
  for (const url of [
    "wss://a",
    "wss://[2001:db8::1]:8443/x",
    "ws://127.0.0.1:8080/x",
    "ws://127.1.2.3",
    "ws://localhost:1",
    "ws://[::1]:1",
    // A device that only has pods of its own.
    "",
  ]) {
    assert.deepEqual(violations(center({ url })), [], url);
  }
  for (const url of [
    "ws://center.example",
    "ws://127.0.0.1.example",
    "ws://localhost.example",
    "http://a",
    "wss://",
    "wss://u:p@a",
    "wss://a/#x",
    "wss://a b",
    "x",
    5,
    `wss://${"a".repeat(2048)}`,
  ]) {
    assert.deepEqual(violations(center({ url })), ["center.url"], String(url));
  }
});

test("an unknown key is a violation if strict and a warning otherwise", () => {
  const value = {
    ...small,
    extra: 1,
    more: 2,
    policy: { hostpaths: [], deep: {} },
    center: { ...small.center, tls: { x: 1 } },
  };
  assert.deepEqual([...violations(value)].sort(), ["center.tls.x", "extra", "more", "policy.deep", "policy.hostpaths"]);
  const parsed = parseConfig(value, { strict: false });
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.warnings.map(({ path }) => path).sort(), [
    "center.tls.x",
    "extra",
    "more",
    "policy.deep",
    "policy.hostpaths",
  ]);
  assert.ok("extra" in value);
  const wrong = violations({ ...value, log: { level: "loud" } }, false);
  assert.deepEqual(wrong, ["log.level"]);
  assert.ok(violations({ ...value, log: { level: "loud" } }).includes("log.level"));
});

test("keys reserved for a later version are accepted without effect", () => {
  const engine = { log: { maxFiles: 2 } };
  const parsed = parseConfig({ ...center({ urls: ["x"] }), engine, $schema: "x" }, { strict: true });
  assert.ok(parsed.ok);
  assert.deepEqual(
    parsed.warnings.map(({ path }) => path),
    ["center.urls", "engine.log"],
  );
  assert.equal("urls" in parsed.config.center, false);
});

test("the disk share that starts image removal must be above the one that ends it", () => {
  const parsed = parseConfig({ ...center({}), images: { high: 90 } }, { strict: true });
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.config.images, { high: 90, low: 70 });
  assert.deepEqual(violations({ ...center({}), images: { high: 70, low: 70 } }), ["images.low"]);
  const wrong = violations({ ...center({}), images: { high: 101, low: -1, most: 3 } });
  assert.deepEqual([...wrong].sort(), ["images.high", "images.low", "images.most"]);
});

test("paths and capabilities are normalized", () => {
  const parsed = parseConfig(
    { ...policy({ hostPaths: ["/a//b/", "/c/./**"], capabilities: ["cap_chown", "all"] }), data: { dir: "/x//y/" } },
    { strict: true },
  );
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.config.policy.hostPaths, ["/a/b", "/c/**"]);
  assert.deepEqual(parsed.config.policy.capabilities, ["CHOWN", "ALL"]);
  assert.equal(parsed.config.data.dir, "/x/y");
  assert.deepEqual(
    violations(policy({ hostPaths: ["a", "/a/../b", "/a/*", "/a/**/b", 5] })),
    [0, 1, 2, 3, 4].map((i) => `policy.hostPaths[${i}]`),
  );
  assert.deepEqual(
    violations(policy({ capabilities: ["X"], privileged: 1, systemReserved: { cpu: "x", memory: "-1" } })),
    ["policy.capabilities[0]", "policy.privileged", "policy.systemReserved.cpu", "policy.systemReserved.memory"],
  );
});

test("a header that cannot be stored is rejected", () => {
  for (const name of ["constructor", "prototype", "__proto__"]) {
    const headers: unknown = JSON.parse(`{"authorization": "x", "${name}": "y"}`);
    assert.deepEqual(violations(center({ headers })), ["center.headers"], name);
  }
});

test("a violation of the configuration names the value and what is expected, but no value of a header", () => {
  const parsed = parseConfig(center({ keepaliveSeconds: 4, headers: { a: "hunter2\n" } }), { strict: true });
  assert.ok(!parsed.ok);
  assert.deepEqual(
    parsed.violations.map(({ message }) => message),
    [
      "center.headers.a is a text of 8 characters (not shown); expected names and values of HTTP headers",
      "center.keepaliveSeconds is 4; expected a whole number from 5 to 300",
    ],
  );
  assert.ok(!JSON.stringify(parsed).includes("hunter2"));
  assert.deepEqual(violations(center({ headers: { "a b": "x" } })), ["center.headers.a b"]);
});

test("center.proxy is an http:// address without user and password, which is not printed", () => {
  const parsed = parseConfig(center({ proxy: "http://proxy.example:3128" }), { strict: true });
  assert.ok(parsed.ok);
  assert.deepEqual([parsed.config.center.proxy, parsed.warnings], ["http://proxy.example:3128", []]);
  const refused = ["https://p:1", "socks5://p:1", "p:1", "http://p/x", "http://p/?q", "http://p/#f", "http://", 5];
  for (const proxy of refused) assert.deepEqual(violations(center({ proxy })), ["center.proxy"], String(proxy));
  const secret = parseConfig(center({ proxy: "http://u:hunter2@p:1" }), { strict: true });
  assert.ok(!secret.ok);
  assert.match(secret.violations[0]?.message ?? "", /^center\.proxy is "http:\/\/\(hidden\)@p:1"; expected http:/);
  assert.doesNotMatch(JSON.stringify(secret), /hunter2/);
});

test("center.proxy has no effect for a ws:// center, which is a warning", () => {
  const parsed = parseConfig(center({ url: "ws://127.0.0.1:7001/", proxy: "http://p:1" }), { strict: true });
  assert.ok(parsed.ok);
  assert.deepEqual(
    parsed.warnings.map(({ path }) => path),
    ["center.proxy"],
  );
});

test("no pod may see the file with the proxy's password", () => {
  const parsed = parseConfig(center({ proxyAuth: { file: "/srv/proxy.auth" } }), { strict: true });
  assert.ok(parsed.ok && ownPaths(parsed.config).includes("/srv/proxy.auth"));
});
