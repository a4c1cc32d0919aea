import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Pod, PodList } from "kubernetes-types/core/v1.js";
import { parse } from "yaml";
import { type GetOptions, getPodsCommand } from "../../../src/cli/get.ts";
import { main } from "../../../src/cli/program.ts";
import { desiredNamed, liveDevice, liveStatus, podRow } from "../../samples/live-device.ts";

const long = "camera-4f2b9c66-0000-4000-8000-000000000001";
const rows = [
  podRow(long, { ready: "0/1", status: "CrashLoopBackOff", restarts: 5, lastRestart: "2026-11-22T11:57:00Z" }),
  podRow("web", { podIP: "172.17.0.2" }),
];

/** `edge get pods` of a device with two pods. */
function device(t: TestContext, onTerminal = false) {
  const live = liveDevice(t, onTerminal ? { rows: () => 24, columns: () => 80, clear: () => undefined } : undefined);
  live.publish(liveStatus(rows));
  live.want([desiredNamed(long), desiredNamed("web")]);
  const get = (name?: string, options: Partial<GetOptions> = {}) =>
    getPodsCommand(name, { config: live.config, json: false, ...options }, live.io);
  return { ...live, get };
}

test("edge get pods prints the columns of kubectl, with whole names for a script", async (t) => {
  const { get, lines } = device(t);
  assert.equal(await get(), 0);
  assert.match(lines[0] ?? "", /^NAME {41}READY {2}STATUS {12}RESTARTS +AGE$/);
  assert.match(lines[1] ?? "", new RegExp(`^${long}  0/1    CrashLoopBackOff  5 \\(\\d+d ago\\) +\\d+d$`));
  assert.match(lines[2] ?? "", /^web {42}1\/1 {4}Running {11}0 +\d+d$/);
});

test("edge get pods cuts names in the middle on a terminal, to 80 columns", async (t) => {
  const { get, lines } = device(t, true);
  assert.equal(await get(), 0);
  for (const line of lines) assert.ok(line.length <= 80, line);
  assert.match(lines[1] ?? "", /^camera-\S+…\S+01 /);
});

test("edge get pods -o wide adds address, node and namespace", async (t) => {
  const { get, lines } = device(t, true);
  assert.equal(await get(undefined, { output: "wide" }), 0);
  assert.match(lines[0] ?? "", /AGE +IP +NODE +NAMESPACE$/);
  assert.match(lines[1] ?? "", new RegExp(`^${long} .* <none> +edge-1 +websocket$`));
  assert.match(lines[2] ?? "", / 172\.17\.0\.2 +edge-1 +websocket$/);
});

test("edge get pods says on stderr if the engine cannot be asked", async (t) => {
  const { get, errors, publish } = device(t);
  publish(liveStatus([podRow("web", { ready: "0/1", status: "Unknown", lastSeen: "2026-11-22T11:57:00Z" })]));
  assert.equal(await get(), 0);
  assert.deepEqual(errors, ["The engine cannot be asked: edge status says why"]);
});

test("edge get pods -o name prints names that every command takes", async (t) => {
  const { get, lines, publish } = device(t);
  publish(liveStatus([...rows, podRow("web", { namespace: "mef-user", uid: "other" })]));
  assert.equal(await get(undefined, { output: "name" }), 0);
  assert.deepEqual(lines, [`pod/${long}`, "pod/websocket/web", "pod/mef-user/web"]);
  lines.length = 0;
  for (const name of ["pod/camera", "pod/mef-user/web"]) assert.equal(await get(name, { output: "name" }), 0);
  assert.deepEqual(lines, [`pod/${long}`, "pod/mef-user/web"]);
});

test("edge get pods takes -n and -A of kubectl, and commands that name a pod take -n", async (t) => {
  const { config, io, lines, errors, publish } = device(t);
  publish(liveStatus([...rows, podRow("web", { namespace: "mef-user", uid: "other" })]));
  const edge = (...args: readonly string[]) => main(["--config", config, ...args], io);
  assert.equal(await edge("get", "po", "-A", "-o", "name"), 0);
  assert.deepEqual(lines.splice(0), [`pod/${long}`, "pod/websocket/web", "pod/mef-user/web"]);
  assert.equal(await edge("get", "po", "-n", "mef-user", "-o", "name"), 0);
  assert.equal(await edge("get", "po", "w", "-n", "mef-user", "-o", "name"), 0);
  assert.deepEqual(lines.splice(0), ["pod/web", "pod/web"]);
  assert.equal(await edge("get", "po", "-n", "default"), 0);
  assert.equal(await edge("pod", "web", "-n", "websocket"), 0);
  assert.equal(lines.splice(0)[0], "Pod        websocket/web");
  assert.equal(await edge("describe", "pod", "web", "-n", "default"), 1);
  assert.deepEqual(errors, [
    "No pods on this device in namespace default",
    "There is no pod default/web on this device; did you mean websocket/web?",
  ]);
});

test("edge get pods -o json and yaml print a List of Pods, and one Pod if it is named", async (t) => {
  const { get, lines } = device(t);
  assert.equal(await get(undefined, { output: "json" }), 0);
  const list = JSON.parse(lines.join("\n")) as PodList;
  assert.deepEqual([list.apiVersion, list.kind], ["v1", "List"]);
  assert.deepEqual(
    list.items.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata?.name]),
    [long, "web"].map((name) => ["v1", "Pod", name]),
  );
  lines.length = 0;
  assert.equal(await get("we", { output: "yaml" }), 0);
  assert.deepEqual(parse(lines.join("\n")), list.items[1]);
  lines.length = 0;
  assert.equal(await get("web", { json: true }), 0);
  assert.deepEqual(JSON.parse(lines.join("\n")) as Pod, list.items[1]);
});

test("edge get pods fails for an unknown pod, and says so where there is none", async (t) => {
  const { get, errors, lines, publish, want } = device(t);
  for (const output of ["name", "json"] as const) assert.equal(await get("wev", { output }), 1);
  assert.equal(await get("nobody"), 1);
  publish(liveStatus([]));
  want([]);
  assert.equal(await get(), 0);
  assert.deepEqual(lines, []);
  const unknown = "There is no pod wev on this device; did you mean web?";
  assert.deepEqual(errors, [unknown, unknown, "There is no pod nobody on this device", "No pods on this device"]);
  assert.equal(await get(undefined, { output: "json" }), 0);
  assert.deepEqual((JSON.parse(lines.join("\n")) as PodList).items, []);
});

test("edge describe takes the words of kubectl", async (t) => {
  const { config, io, lines, errors } = device(t);
  const run = (...args: readonly string[]) => main([...args, "--config", config], io);
  for (const args of [
    ["describe", "pod", "web"],
    ["describe", "web"],
    ["describe", "pod/web"],
    ["pod", "web"],
  ]) {
    lines.length = 0;
    assert.equal(await run(...args), 0);
    assert.equal(lines[0], "Pod        websocket/web");
  }
  for (const words of [
    ["node", "web"],
    ["pod", "web", "other"],
  ])
    assert.equal(await run("describe", ...words), 2);
  const refused = ["error: edge describe takes one pod", "Try edge describe --help"];
  assert.deepEqual(errors, [...refused, ...refused]);
  lines.length = 0;
  assert.equal(await run("get", "po", "web", "-o", "name"), 0);
  assert.deepEqual(lines, ["pod/web"]);
});
