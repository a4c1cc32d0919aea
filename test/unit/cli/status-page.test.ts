import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { statusPage } from "../../../src/cli/status-page.ts";
import type { PodRow, StatusDocument } from "../../../src/core/status-document.ts";

const wall = Date.parse("2026-11-22T12:00:00Z");

function pod(name: string, changes: Partial<PodRow> = {}): PodRow {
  return {
    name,
    namespace: "websocket",
    uid: name,
    phase: "Running",
    ready: "1/1",
    status: "Running",
    restarts: 0,
    startTime: "2026-11-22T11:00:00Z",
    reason: null,
    ...changes,
  };
}

function documentOf(changes: Partial<StatusDocument> = {}): StatusDocument {
  return {
    node: { name: "edge-1", conditions: [] },
    agent: { running: true, pid: 7, version: "0.1.0", startedAt: "2026-11-22T11:00:00Z" },
    center: { state: "online", url: "wss://center.example/", since: "2026-11-22T11:30:00Z", lastError: null },
    engine: { state: "ready", version: "26.1.5" },
    outbox: { pending: 0, bytes: 0, dropped: 0 },
    pods: [],
    ...changes,
  };
}

function page(document: StatusDocument, columns = 80): readonly string[] {
  return statusPage(document, wall, { columns }).map(stripVTControlCharacters);
}

const failing = {
  ready: "0/1",
  status: "CrashLoopBackOff",
  restarts: 5,
  lastRestart: "2026-11-22T11:57:00Z",
  reason: "OOMKilled (limit 8Mi)",
  nextTry: "2026-11-22T12:00:40Z",
  todo: "Raise resources.limits.memory in the pod",
} as const;

test("edge status lists problems first, each with its cause and next try on its own line", () => {
  const lines = page(documentOf({ pods: [pod("fine"), pod("leaks", failing)] }));
  assert.deepEqual(lines.slice(lines.indexOf("") + 1), [
    "NAME   READY  STATUS            RESTARTS    AGE",
    "leaks  0/1    CrashLoopBackOff  5 (3m ago)  60m",
    "  OOMKilled (limit 8Mi), next try in 40s",
    "fine   1/1    Running           0           60m",
    "",
    "edge pod NAME shows what to do.",
  ]);
});

test("edge status keeps every line within 80 columns", () => {
  const long = "n".repeat(128);
  const document = documentOf({
    node: {
      name: long,
      conditions: [
        {
          type: "DiskPressure",
          status: "True",
          reason: "r",
          message: "less than 15 % of the engine's disk left, ".repeat(4),
          lastTransitionTime: null,
        },
      ],
    },
    agent: { running: true, pid: 7, version: "0.1.0", startedAt: "2026-11-22T11:00:00Z", config: `/${long}/edge.json` },
    center: {
      state: "offline",
      url: `wss://center.example/${long}`,
      since: "2026-11-22T11:30:00Z",
      lastError: `connect ECONNREFUSED ${long}`,
    },
    npus: [{ name: "davinci0", present: false, holder: `websocket/${long}/${long}` }],
    refusedUpdates: [{ pod: `websocket/${long}`, at: "2026-11-22T11:58:00Z", message: `${long} ${long}` }],
    notices: [`${long} ${"word ".repeat(60)}`],
    pods: [
      pod(long, { ...failing, status: "CreateContainerConfigError", reason: `${long} `.repeat(5) }),
      pod(`${"n".repeat(127)}x`),
      pod("web"),
    ],
  });
  const lines = page(document);
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
  assert.ok(
    lines.some((line) => /^n+…n+x +1\/1/.test(line)),
    "cut in the middle",
  );
  assert.ok(lines.some((line) => /…, next try in 40s$/.test(line)));
  const whole = page(document, Number.POSITIVE_INFINITY);
  assert.ok(whole.some((line) => line.startsWith(`${long}  0/1`)));
  assert.ok(
    whole.some((line) => /^web {1,46} 1\/1/.test(line)),
    "a long name pads no other row",
  );
});

test("edge status shows a hundred failing pods in at most 210 lines", () => {
  const pods = Array.from({ length: 100 }, (_, index) => pod(`p${index}`, failing));
  assert.ok(page(documentOf({ pods })).length <= 210);
});

test("edge status shows a rejected update with time, reason and next step", () => {
  const refusedUpdates = [
    { pod: "websocket/web", at: "2026-11-22T11:58:00Z", message: "not enough CPU: the pod needs 100m, 0 is free" },
  ];
  const text = page(documentOf({ refusedUpdates }), Number.POSITIVE_INFINITY).join("\n");
  assert.match(
    text,
    /^Note {5}Update of pod web refused 2m ago: not enough CPU: the pod needs 100m, 0 is free\. Correct the pod and send it again/m,
  );
});

for (const [what, lastError, todo] of [
  [
    "an expired certificate",
    "The center's certificate has expired (certificate has expired)",
    /must renew its certificate/,
  ],
  [
    "a name that does not resolve",
    "getaddrinfo ENOTFOUND center.example",
    /^ +Check the center's name, this device's/m,
  ],
  ["a refused password", "The center answered 401", /center\.auth\.file are\s+what the center expects/],
] as const) {
  test(`edge status shows the next step below the error when offline because of ${what}`, () => {
    const center = { state: "offline", url: "wss://c/", since: null, lastError } as const;
    const text = page(documentOf({ center })).join("\n");
    assert.match(text, todo);
    if (what !== "a name that does not resolve") assert.doesNotMatch(text, /firewall/);
  });
}

test("edge status shows a clock in 1970 with what to do", () => {
  const text = statusPage(documentOf(), 40_000, { columns: Number.POSITIVE_INFINITY }).join("\n");
  assert.match(text, /The clock says 1970-01-01T00:00:40Z, which is in the past\. Set it/);
});

test("edge status does not show a pod as running without an agent or an engine", () => {
  const reason = "Running, 1/1 ready, as last seen at 2026-11-22T11:59:00Z";
  const row = pod("web", { ready: "0/1", status: "Unknown", reason, lastSeen: "2026-11-22T11:59:00Z" });
  const lines = page(
    documentOf({ agent: { running: false, pid: null, version: "0.1.0", startedAt: null }, pods: [row] }),
  );
  assert.ok(lines.includes("Agent    not running; start it: systemctl start edge"));
  assert.ok(lines.includes(`  ${reason}`));
});
