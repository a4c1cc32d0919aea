import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { sharedEngine } from "../../scripts/private-engine.ts";
import type { Waiting } from "../../src/core/pod/situation.ts";
import type { NpuRow } from "../../src/core/status-document.ts";
import { deviceFolder, mayMakeNodes } from "../samples/device-nodes.ts";
import { gracefulDelete, podContent, podUpdate } from "../samples/messages.ts";
import { createSite, type Entry, ids, only, runs } from "./harness.ts";

const uids = { first: uid(1), second: uid(2), third: uid(3) };

function uid(last: number): string {
  return `99999999-0000-4000-8000-00000000000${last}`;
}

/** Looks for its nodes, writes to one, and then stays until it is killed: SIGTERM is not enough. */
const program = `trap '' TERM
[ -c /dev/davinci0 ] && [ -c /dev/davinci_manager ] && [ -c /dev/devmm_svm ] || { echo incomplete; exit 1; }
[ -e /dev/davinci_other ] && { echo too much; exit 1; }
echo word > /dev/davinci0 && echo written
while true; do sleep 1; done
`;

const waits = (entry: Entry): Waiting | undefined => only(entry.status.containerStatuses).state.waiting;

describe("NPUs", { skip: mayMakeNodes ? false : "only root makes device nodes" }, () => {
  const dev = deviceFolder("davinci0", "davinci_manager", "devmm_svm", "davinci_other");
  const site = createSite(sharedEngine(), { deviceDir: dev.path });
  const { volumes, ...asked } = site.script("npu", program);
  const pod = (name: keyof typeof uids, npus = "1") => {
    const limits = { cpu: "100m", memory: "16Mi", npu: npus };
    const container = { ...asked, resources: { requests: { cpu: "10m", memory: "8Mi" }, limits } };
    return { name, uid: uids[name], msgId: randomUUID(), container, spec: {} };
  };
  const update = (name: keyof typeof uids, npus?: string): string => {
    const message = pod(name, npus);
    const content = podContent(message)["spec"] as Readonly<Record<string, unknown>>;
    return podUpdate({ ...message, spec: { ...content, volumes } });
  };
  /** `edge status` is written once a second at most. */
  const held = (rows: readonly NpuRow[]) =>
    site.eventually(`edge status shows ${JSON.stringify(rows)}`, async () =>
      isDeepStrictEqual((await site.status()).document.npus, rows) ? true : undefined,
    );

  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
  });
  after(async () => {
    await site.close();
    dev.close();
  });

  test("a pod gets the node of its NPU and those that every NPU needs, and no other", async () => {
    assert.equal((await site.ask(update("first"))).content, "OK");
    const entry = await site.reported(uids.first, "Running", (one) => runs(one, 0));
    const container = only(await site.containers(uids.first));
    const said = () => site.logs(container.Id);
    await site.eventually("the program has written to it", async () => (await said()).includes("written") || undefined);
    const names = (container.HostConfig.Devices as readonly { readonly PathInContainer: string }[]).map(
      ({ PathInContainer }) => PathInContainer,
    );
    assert.deepEqual(names, ["/dev/davinci0", "/dev/davinci_manager", "/dev/devmm_svm"]);
    const [spec] = entry.spec["containers"] as readonly { readonly resources: { readonly limits: unknown } }[];
    assert.deepEqual(spec?.resources.limits, { cpu: "100m", memory: "16Mi", "huawei.com/Ascend310": "1" });
    await held([{ name: "davinci0", present: true, holder: "websocket/first/app" }]);
  });

  test("a second pod is rejected while the first one has the NPU, in an update and by edge validate", async () => {
    const reply = await site.ask(update("second"));
    assert.match(String(reply.content), /^FAILED: .*not enough NPUs: the pod needs 1, 0 is free/);
    const file = join(site.folder, "pod.json");
    writeFileSync(file, update("second"));
    const judged = await site.run("validate", file);
    assert.deepEqual([judged.code, judged.stderr], [1, ""]);
    assert.match(judged.stdout, /not enough NPUs: the pod needs 1, 0 is free/);
    writeFileSync(file, update("first"));
    assert.equal((await site.run("validate", file)).code, 0, "the pod that has it");
  });

  test("a container keeps its NPU over a kill of the agent", async () => {
    const before = ids(await site.containers());
    await site.endAgent("SIGKILL");
    await held([{ name: "davinci0", present: true, holder: "websocket/first/app" }]);
    await site.startAgent();
    await site.online();
    await site.reported(uids.first, "Running", (one) => runs(one, 0));
    assert.deepEqual(ids(await site.containers()), before);
    await held([{ name: "davinci0", present: true, holder: "websocket/first/app" }]);
  });

  test("a new pod waits for the NPU of a terminating pod and names it", async () => {
    const { container, ...rest } = pod("first");
    const content = podContent({ ...rest, container })["spec"] as Readonly<Record<string, unknown>>;
    const goes = gracefulDelete({ ...rest, msgId: randomUUID(), spec: { ...content, volumes } }, 8);
    assert.equal((await site.ask(goes)).content, "OK");
    assert.equal((await site.ask(update("second"))).content, "OK");
    const stillHeld = (entry: Entry): boolean =>
      waits(entry)?.message?.includes("held by websocket/first/app") === true;
    const waiting = await site.wasReported(uids.second, "waiting for its NPU", stillHeld);
    assert.equal(waiting.status.phase, "Pending");
    assert.equal(waits(waiting)?.reason, "ContainerCreating");
    await site.reported(uids.second, "Running", (one) => runs(one, 0));
    assert.deepEqual(await site.containers(uids.first), []);
    await held([{ name: "davinci0", present: true, holder: "websocket/second/app" }]);
  });

  test("a device node that disappears stops no container, and an ended one waits until it is back", async () => {
    const before = ids(await site.containers());
    dev.remove("davinci0");
    await site.endAgent("SIGTERM");
    await site.startAgent();
    await site.online();
    await site.reported(uids.second, "Running", (one) => runs(one, 0));
    assert.deepEqual(ids(await site.containers()), before);
    await held([{ name: "davinci0", present: false, holder: "websocket/second/app" }]);

    await site.docker.getContainer(only(before)).kill();
    const gone = (entry: Entry): boolean => waits(entry)?.message?.includes("davinci0 is not there any more") === true;
    await site.reported(uids.second, "waiting for its NPU", gone);
    dev.add("davinci0");
    await site.reported(uids.second, "Running", (one) => runs(one, 1));
    await held([{ name: "davinci0", present: true, holder: "websocket/second/app" }]);
  });

  test("a pod waits for a missing manager node and names its path", async () => {
    dev.remove("davinci_manager");
    const running = (await site.containers()).filter(({ State }) => State.Running);
    await site.docker.getContainer(only(ids(running))).kill();
    const path = join(dev.path, "davinci_manager");
    const missing = (entry: Entry): boolean => waits(entry)?.message?.includes(`${path} is not there`) === true;
    await site.reported(uids.second, "waiting for the manager", missing);
    dev.add("davinci_manager");
    await site.reported(uids.second, "Running", (one) => runs(one, 2));
  });

  test("a pod whose user may not open the NPU waits, and its status says so before a program fails", async () => {
    dev.chmod("davinci0", 0o660);
    const running = (await site.containers()).filter(({ State }) => State.Running);
    await site.docker.getContainer(only(ids(running))).kill();
    const words =
      /^User \d+:\d+ may not open the device node davinci0 \(owner 0:0, mode 0660\)\. Give the node a group of its own,/;
    const closed = (entry: Entry): boolean => words.test(waits(entry)?.message ?? "");
    await site.reported(uids.second, "waiting for a node that it may open", closed);
    dev.chmod("davinci0", 0o666);
    await site.reported(uids.second, "Running", (one) => runs(one, 3));
  });
});
