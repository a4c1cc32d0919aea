import assert from "node:assert/strict";
import { test } from "node:test";
import { lookupProblem, type PodLookup, resolvePod } from "../../../../src/core/pod/pod-lookup.ts";

const pod = (namespace: string, name: string) => ({ namespace, name });
const known = [
  pod("websocket", "web"),
  pod("websocket", "web-2"),
  pod("websocket", "camera-4f2b9c66-0000-4000-8000-000000000001"),
  pod("mef-user", "camera-4f2b9c66-0000-4000-8000-000000000002"),
  pod("mef-user", "database"),
  pod("websocket", "db"),
  pod("mef-user", "db"),
];

/** namespace/name of the pod, "candidates: …", or "no pod" with the name that was meant. */
function words(lookup: PodLookup): string {
  if (lookup.kind === "found") return `${lookup.pod.namespace}/${lookup.pod.name}${lookup.isExact ? "" : " by prefix"}`;
  if (lookup.kind === "ambiguous") return `candidates: ${lookup.candidates.join(" ")}`;
  return `no pod, meant ${lookup.meant}`;
}

const cameras = [1, 2].map((n) => `camera-4f2b9c66-0000-4000-8000-00000000000${n}`);
for (const [text, expected] of [
  ["web", "websocket/web"],
  ["web-", "websocket/web-2 by prefix"],
  ["websocket/web", "websocket/web"],
  ["websocket/c", `websocket/${cameras[0]} by prefix`],
  ["we", "candidates: websocket/web websocket/web-2"],
  ["camera", `candidates: mef-user/${cameras[1]} websocket/${cameras[0]}`],
  ["db", "candidates: mef-user/db websocket/db"],
  ["mef-user/db", "mef-user/db"],
  ["data", "mef-user/database by prefix"],
  ["datbase", "no pod, meant database"],
  ["camrea", `no pod, meant ${cameras[1]}`],
  ["mef-user/databse", "no pod, meant mef-user/database"],
  ["other/db", "no pod, meant websocket/db"],
  ["websocket/", "no pod, meant null"],
  ["constructor", "no pod, meant null"],
  ["", "no pod, meant null"],
] as const) {
  test(`the name ${JSON.stringify(text)} means ${expected}`, () => {
    assert.equal(words(resolvePod(text, known)), expected);
  });
}

test("an old and a new uid of one name are one pod", () => {
  assert.equal(words(resolvePod("web", [pod("websocket", "web"), pod("websocket", "web")])), "websocket/web");
});

test("the problem of an ambiguous name lists at most ten pods", () => {
  const many = Array.from({ length: 12 }, (_, n) => pod("websocket", `web-${String(n).padStart(2, "0")}`));
  const lookup = resolvePod("web", many);
  assert.ok(lookup.kind === "ambiguous");
  const lines = lookupProblem("web", lookup);
  assert.equal(lines[0], "web may be any of 12 pods; type more of the name:");
  assert.deepEqual(lines.slice(-2), ["  websocket/web-09", "  and 2 more"]);
  assert.equal(lines.length, 12);
});

test("the problem of an unknown name has the name that was probably meant", () => {
  const lookup = resolvePod("databse", known);
  assert.ok(lookup.kind === "unknown");
  assert.deepEqual(lookupProblem("databse", lookup), [
    "There is no pod databse on this device; did you mean database?",
  ]);
});
