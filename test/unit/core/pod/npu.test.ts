import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  allHolders,
  byNumber,
  chooseNpus,
  type NpuHolder,
  npuCount,
  settleNpus,
} from "../../../../src/core/pod/npu.ts";
import type { PodId, ResourceList } from "../../../../src/core/pod/spec.ts";
import {
  acceptedPod,
  container,
  desiredPod,
  exited,
  running,
  terminatingPod,
  withSpec,
} from "../../../samples/pods.ts";

const web = acceptedPod().id;
const other: PodId = { namespace: "websocket", name: "other", uid: "u9" };
const holds = (npu: string, pod = web, name = "app"): NpuHolder => ({ npu, pod, container: name });
const four = ["davinci0", "davinci1", "davinci2", "davinci3"];
const choose = (wanted: number, holders: readonly NpuHolder[], present = four, missing: string | null = null) =>
  chooseNpus(wanted, { pod: web, container: "app" }, { present, missing, holders });
const chosen = (...args: Parameters<typeof choose>) => {
  const choice = choose(...args);
  return choice.ok ? choice.npus.join(" ") : choice.message;
};

describe("the choice of NPUs", () => {
  const table: readonly (readonly [what: string, got: string, expected: string])[] = [
    ["none if none is requested, whatever the device has", chosen(0, [], [], "/dev/davinci_manager"), ""],
    ["the lowest that are free", chosen(2, [holds("davinci0", other)]), "davinci1 davinci2"],
    ["those it had before", chosen(2, [holds("davinci3"), holds("davinci0", other)]), "davinci1 davinci3"],
    ["fewer of those it had, the lowest", chosen(1, [holds("davinci3"), holds("davinci2")]), "davinci2"],
    ["another one for one that disappeared", chosen(1, [holds("davinci9")]), "davinci0"],
    ["a reason if the device has too few", chosen(5, []), "It needs 5 NPUs, and 4 is free: the device has 4"],
    ["none that another container of its pod has", chosen(1, [holds("davinci0", web, "side")]), "davinci1"],
    [
      "none of its own that another container shows too",
      chosen(1, [holds("davinci0"), holds("davinci0", other)]),
      "davinci1",
    ],
    [
      "a reason that names the holders",
      chosen(1, [holds("davinci0", other), holds("davinci1", web, "side")], ["davinci0", "davinci1"]),
      "It needs an NPU, and none is free: davinci0 is held by websocket/other/app, davinci1 is held by websocket/web/side",
    ],
    [
      "a reason that names the missing NPU",
      chosen(1, [holds("davinci0")], []),
      "It needs an NPU, and none is free: davinci0 is not there any more",
    ],
    ["a reason for a device without any", chosen(1, [], []), "It needs an NPU, and none is free: the device has 0"],
    [
      "a reason that names the missing manager node",
      chosen(1, [], four, "/dev/davinci_manager"),
      "It needs an NPU, and /dev/davinci_manager is not there",
    ],
  ];
  for (const [what, got, expected] of table) test(`gives ${what}`, () => assert.equal(got, expected));

  test("the reason of a wait for NPUs is bounded", () => {
    const many = Array.from({ length: 64 }, (_, index) => `davinci${index}`);
    const held = many.map((npu) => holds(npu, other));
    assert.equal(chosen(1, held, many).split("is held by").length, 9);
  });
});

test("NPUs are exclusive, whole and kept, whoever comes in whatever order", () => {
  const names = fc.subarray(["a", "b", "c", "d"], { minLength: 1 });
  const step = fc.record({ name: fc.constantFrom("a", "b", "c", "d"), wanted: fc.nat({ max: 3 }), goes: names });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.subarray(four), (steps, present) => {
      let holders: readonly NpuHolder[] = [];
      for (const { name, wanted, goes } of steps) {
        holders = holders.filter((one) => !goes.includes(one.container));
        const choice = chooseNpus(wanted, { pod: web, container: name }, { present, missing: null, holders });
        const others = holders.filter((one) => one.container !== name);
        assert.equal(choice.ok, wanted <= present.length - others.length);
        if (!choice.ok) continue;
        assert.equal(choice.npus.length, wanted);
        holders = [...others, ...choice.npus.map((npu) => holds(npu, web, name))];
        assert.equal(new Set(holders.map(({ npu }) => npu)).size, holders.length);
        assert.ok(choice.npus.every((npu) => present.includes(npu)));
      }
    }),
  );
});

test("the count of NPUs reads whole numbers under any name of the resource", () => {
  const count = (limits: ResourceList) => npuCount({ resources: { limits, requests: {} } });
  assert.deepEqual(
    [{ cpu: "4" }, { "huawei.com/Ascend310": "2" }, { npu: "1" }, { "huawei.com/Ascend310B": "1k" }].map(count),
    [0, 2, 1, 1000],
  );
});

test("the text of a count of NPUs uses singular and plural", () => {
  assert.deepEqual(["davinci10", "davinci2", "davinci0"].sort(byNumber), ["davinci0", "davinci2", "davinci10"]);
});

function desiredWith(npus: string | null) {
  const desired = desiredPod();
  const containers = desired.pod.spec.containers.map((one) => ({
    ...one,
    resources: { requests: {}, limits: npus === null ? {} : { npu: npus } },
  }));
  return { ...desired, pod: withSpec(desired.pod, { ...desired.pod.spec, containers }) };
}

describe("the record of an NPU", () => {
  const pod = acceptedPod();
  const shows = (state: Parameters<typeof container>[1], npu = "davinci0") => container(pod, state, { npus: [npu] });
  const nothing = { desired: null, terminating: [], observed: [], recorded: [] };
  const wanted = desiredWith("1");
  const table: readonly (readonly [what: string, got: readonly NpuHolder[], expected: readonly NpuHolder[]])[] = [
    [
      "kept while its pod is desired, with or without a container",
      settleNpus({ ...nothing, desired: wanted, recorded: [holds("davinci0")] }),
      [holds("davinci0")],
    ],
    [
      "corrected to that of the running container if it is older",
      settleNpus({
        ...nothing,
        desired: wanted,
        recorded: [holds("davinci0")],
        observed: [shows(running(), "davinci2")],
      }),
      [holds("davinci2")],
    ],
    [
      "kept while its pod is terminating, with or without a container",
      settleNpus({ ...nothing, terminating: [terminatingPod("deleted")], recorded: [holds("davinci0")] }),
      [holds("davinci0")],
    ],
    [
      "kept while the container of an earlier specification runs",
      settleNpus({
        ...nothing,
        desired: desiredWith(null),
        recorded: [holds("davinci0")],
        observed: [shows(running())],
      }),
      [holds("davinci0")],
    ],
    [
      "dropped when that container has ended, although it still exists",
      settleNpus({
        ...nothing,
        desired: desiredWith(null),
        recorded: [holds("davinci0")],
        observed: [shows(exited(0))],
      }),
      [],
    ],
    [
      "restored from a container if the store lost it",
      settleNpus({ ...nothing, desired: wanted, observed: [shows(running()), shows({ kind: "created" }, "davinci1")] }),
      [holds("davinci0"), holds("davinci1")],
    ],
    [
      "not moved from its recorded holder",
      settleNpus({
        ...nothing,
        desired: wanted,
        recorded: [holds("davinci0", other)],
        observed: [shows(running())],
      }),
      [holds("davinci0", other)],
    ],
    [
      "unchanged for other pods",
      settleNpus({ ...nothing, desired: wanted, recorded: [holds("davinci5", other)] }),
      [holds("davinci5", other)],
    ],
  ];
  for (const [what, got, expected] of table) test(`is ${what}`, () => assert.deepEqual(got, expected));
});

describe("the holders of NPUs", () => {
  const pod = acceptedPod({ policy: "Always" });
  const never = acceptedPod({ policy: "Never" });
  const known = new Set([pod.id.uid]);
  const seen = (of = pod, state = exited(1)) => [container(of, state, { npus: ["davinci0"] })];
  const table: readonly (readonly [what: string, got: readonly NpuHolder[], expected: readonly NpuHolder[]])[] = [
    ["by a running container", allHolders([], seen(pod, running()), known), [holds("davinci0")]],
    ["not by an ended container of a known pod", allHolders([], seen(), known), []],
    [
      "by an ended container of an unknown pod, which is started again",
      allHolders([], seen(), new Set()),
      [holds("davinci0")],
    ],
    ["not by an ended container under Never", allHolders([], seen(never), new Set()), []],
    ["once, if it is recorded too", allHolders([holds("davinci0")], seen(pod, running()), known), [holds("davinci0")]],
    [
      "by both, if a container shows what is recorded for another",
      allHolders([holds("davinci0", other)], seen(pod, running()), known),
      [holds("davinci0", other), holds("davinci0")],
    ],
  ];
  for (const [what, got, expected] of table) test(`hold one ${what}`, () => assert.deepEqual(got, expected));
});
