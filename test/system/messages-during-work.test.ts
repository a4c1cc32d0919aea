import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { testImages } from "../../scripts/test-images.ts";
import { gracefulDelete, podDelete, podUpdate } from "../samples/messages.ts";
import { gatedRegistry } from "./gated-registry.ts";
import { createSite, ids, only, runs } from "./harness.ts";

const site = createSite(sharedEngine());
let messages = 0;
const uidOf = (pod: number): string => `56565656-0000-4000-8000-00000000000${pod}`;
const msgId = (): string => {
  messages += 1;
  return `56000000-0000-4000-8000-${String(messages).padStart(12, "0")}`;
};
const next = () => ({ msgId: msgId(), resourceVersion: String(messages) });

async function accept(message: string): Promise<void> {
  assert.equal((await site.ask(message)).content, "OK");
}

/** What the agent has told of a pod, oldest first. */
async function told(name: string): Promise<readonly { readonly reason: string; readonly message: string }[]> {
  const { stdout } = await site.run("events", "--json", "--pod", name);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** A pod that takes three seconds to say goodbye. */
function slowToLeave(name: string) {
  const lines = "trap 'sleep 3; exit 0' TERM\nwhile true; do sleep 1; done\n";
  const { volumes, volumeMounts, command } = site.script(`${name}.sh`, lines);
  return (version: string) => ({
    spec: { volumes },
    container: { command, volumeMounts, env: [{ name: "VERSION", value: version }] },
  });
}

describe("messages for a pod that is stopping or pulling", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
  });
  after(() => site.close());

  test("updates during a stop lead to one stop and one create of the newest", async () => {
    const [name, uid] = ["busy", uidOf(1)];
    const of = slowToLeave(name);
    await accept(podUpdate({ name, uid, ...next(), ...of("1") }));
    await site.reported(uid, "running", (entry) => runs(entry, 0));
    const [first] = ids(await site.containers(uid));
    await accept(podUpdate({ name, uid, ...next(), ...of("2") }));
    await site.eventually("its container is being stopped", async () =>
      (await told(name)).some(({ reason }) => reason === "Killing") ? true : undefined,
    );
    await accept(podUpdate({ name, uid, ...next(), ...of("3") }));
    await site.reported(uid, "the newest runs", (entry) => runs(entry, 1));
    const alive = only((await site.containers(uid)).filter(({ State }) => State.Running));
    assert.notEqual(alive.Id, first);
    assert.ok(alive.Config.Env.includes("VERSION=3"), `${alive.Config.Env}`);
    const reasons = (await told(name)).map(({ reason }) => reason);
    assert.equal(reasons.filter((reason) => reason === "Killing").length, 1);
    assert.equal(reasons.filter((reason) => reason === "Creating").length, 2);
  });

  test("a repeated delete is answered each time and carried out once", async () => {
    const [name, uid] = ["twice", uidOf(2)];
    const pod = { name, uid, ...slowToLeave(name)("1") };
    await accept(podUpdate({ ...pod, ...next() }));
    await site.reported(uid, "running", (entry) => runs(entry, 0));
    await accept(gracefulDelete({ ...pod, ...next() }, 20));
    await site.reported(uid, "terminating", ({ metadata }) => metadata["deletionTimestamp"] !== undefined);
    await accept(podDelete({ name, uid, msgId: msgId() }));
    const gone = async () => ((await site.containers(uid)).length === 0 ? true : undefined);
    await site.eventually("its containers are gone", gone);
    await site.eventually(
      "the pod out of the report",
      () => site.latest()?.every(({ UID }) => UID !== uid) || undefined,
    );
    const status = site.entries(uid).at(-1)?.status;
    assert.equal(only(status?.containerStatuses ?? []).state.terminated?.exitCode, 0, "its grace was not cut short");
    await accept(podDelete({ name, uid, msgId: msgId() }));
    await site.eventually("edge status without it", async () =>
      (await site.row(name)) === undefined ? true : undefined,
    );
    const reasons = (await told(name)).map(({ reason }) => reason);
    assert.equal(reasons.filter((reason) => reason === "Killing").length, 1);
    assert.equal(reasons.filter((reason) => reason === "Removing").length, 1);
  });

  test("a pull reports its progress in podstatus, edge status and events, and a delete aborts it", async () => {
    const registry = await gatedRegistry();
    const words = /^Pulling image "127\.0\.0\.1:\d+\/half:1": [1-4]0 % of its layers$/;
    const half = async (name: string): Promise<void> => {
      await site.eventually(`${words} in edge status`, async () =>
        words.test((await site.row(name))?.reason ?? "") ? true : undefined,
      );
    };
    try {
      const container = { image: registry.image };
      await accept(podUpdate({ name: "leaves", uid: uidOf(3), ...next(), container }));
      await half("leaves");
      await accept(podDelete({ name: "leaves", uid: uidOf(3), msgId: msgId() }));
      await site.eventually("nothing of it", async () => ((await site.row("leaves")) === undefined ? true : undefined));
      assert.deepEqual(await site.containers(uidOf(3)), []);
      assert.ok((await told("leaves")).every(({ reason }) => reason !== "Pulled"));
      await accept(podUpdate({ name: "stays", uid: uidOf(4), ...next(), container }));
      await half("stays");
      await site.wasReported(uidOf(4), "how far it is", ({ status }) =>
        words.test(only(status.containerStatuses).state.waiting?.message ?? ""),
      );
      registry.open();
      await site.eventually("its end as an event", async () =>
        (await told("stays")).some(({ reason, message }) => reason === "Pulled" && message.includes("/half:1"))
          ? true
          : undefined,
      );
    } finally {
      registry.close();
    }
    await accept(podDelete({ name: "stays", uid: uidOf(4), msgId: msgId() }));
  });

  test("a container has its limit of processes, 64 MiB of shared memory and the ulimits of the engine", async () => {
    const uid = uidOf(5);
    const look = "df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2; ulimit -a; echo END";
    const { volumes, volumeMounts, command } = site.script("limits.sh", `${look}\nsleep 1000\n`);
    await accept(
      podUpdate({ name: "limits", uid, ...next(), spec: { volumes }, container: { command, volumeMounts } }),
    );
    await site.reported(uid, "running", (entry) => runs(entry, 0));
    const { Id, HostConfig, State } = only(await site.containers(uid));
    const said = await site.eventually("its limits", async () => {
      const lines = await site.logs(Id);
      return lines.includes("END") ? lines : undefined;
    });
    assert.equal(HostConfig.PidsLimit, 1024);
    assert.ok(State.Pid > 0);
    assert.equal(said.split("\n")[0], "65536");
    const plain = await site.docker.createContainer({
      Image: testImages.busybox,
      Cmd: ["sh", "-c", "ulimit -a"],
      HostConfig: { NetworkMode: "none" },
    });
    try {
      await plain.start();
      await plain.wait();
      const limits = (await site.logs(plain.id)).trim();
      assert.ok(limits.includes("open files"), limits);
      assert.ok(said.includes(limits), `${said}\nis not what the engine gives:\n${limits}`);
    } finally {
      await plain.remove({ force: true });
    }
  });
});
