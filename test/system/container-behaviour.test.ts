import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { testImages } from "../../scripts/test-images.ts";
import { podContent, podDelete, podUpdate } from "../samples/messages.ts";
import { createSite, type Entry, only } from "./harness.ts";
import { hangingRegistry } from "./sockets.ts";

const site = createSite(sharedEngine());
let messages = 0;

const uidOf = (name: string): string =>
  `34343434-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;
const msgId = (): string => {
  messages += 1;
  return `34000000-0000-4000-8000-${String(messages).padStart(12, "0")}`;
};

type Fields = Readonly<Record<string, unknown>>;

async function accept(name: string, spec: Fields, container: Fields): Promise<void> {
  const reply = await site.ask(podUpdate({ name, uid: uidOf(name), msgId: msgId(), spec, container }));
  assert.equal(reply.content, "OK", name);
}

const stateOf = ({ status }: Entry) => only(status.containerStatuses).state;

const allRun = ({ status }: Entry): boolean =>
  status.containerStatuses.every(({ state }) => state.running !== undefined);

/** Two containers, a and b, like the sample's but for these fields. */
function twoOf(name: string, a: Fields, b: Fields): readonly Fields[] {
  const { spec } = podContent({ name, uid: "" }) as { readonly spec: { readonly containers: readonly Fields[] } };
  return [
    { ...only(spec.containers), ...a, name: "a" },
    { ...only(spec.containers), ...b, name: "b" },
  ];
}

describe("containers on the engine", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
  });
  after(() => site.close());

  test("the end of a termination log is in the last state, and in the final status of the pod", async () => {
    const talk = site.script(
      "talk.sh",
      "yes x | tr -d '\\n' | head -c 9000 >/dev/termination-log\necho the end >>/dev/termination-log\nexit 3\n",
    );
    const { volumes, ...container } = talk;
    await accept("talker", { volumes, restartPolicy: "Never" }, container);
    const entry = await site.reported(uidOf("talker"), "its end", (one) => stateOf(one).terminated !== undefined);
    const message = stateOf(entry).terminated?.message ?? "";
    assert.match(message, /^x+the end\n$/);
    assert.equal(message.length, 4096);
    await site.endAgent("SIGKILL");
    await site.startAgent();
    await site.online();
    await site.ask(podDelete({ name: "talker", uid: uidOf("talker"), msgId: msgId() }));
    await site.eventually("the pod is out of the report", () =>
      site.latest()?.every(({ UID }) => UID !== uidOf("talker")) ? true : undefined,
    );
    assert.equal(stateOf(site.entries(uidOf("talker")).at(-1) ?? entry).terminated?.message, message);
  });

  test("a termination message written while no agent ran is reported", async () => {
    const late = site.script(
      "late.sh",
      "trap 'printf bye >/dev/termination-log; exit 4' TERM\nwhile true; do sleep 1 & wait $!; done\n",
    );
    const { volumes, ...container } = late;
    await accept("late", { volumes, restartPolicy: "Never" }, container);
    await site.reported(uidOf("late"), "running", (one) => stateOf(one).running !== undefined);
    await site.endAgent("SIGKILL");
    await site.docker.getContainer(only(await site.containers(uidOf("late"))).Id).stop();
    await site.startAgent();
    await site.online();
    const entry = await site.reported(uidOf("late"), "its end", (one) => stateOf(one).terminated !== undefined);
    assert.equal(stateOf(entry).terminated?.message, "bye");
  });

  test("a container that writes its termination log endlessly does not fill the disk", async () => {
    const flood = site.script("flood.sh", "exec yes >>/dev/termination-log\n");
    const { volumes, ...container } = flood;
    await accept(
      "flood",
      { volumes },
      { ...container, resources: { limits: { cpu: "50m", memory: "16Mi" }, requests: { cpu: "50m", memory: "16Mi" } } },
    );
    const file = join(site.dataDir, "pods", uidOf("flood"), "termination", "app", "0");
    const written = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    await site.eventually("something is written", () => (written() > 0 ? true : undefined));
    let most = 0;
    await site.eventually("it was cut twice", () => {
      const size = written();
      const cut = size < most;
      most = size;
      return cut || undefined;
    });
    await site.ask(podDelete({ name: "flood", uid: uidOf("flood"), msgId: msgId() }));
  });

  test("OOM scores match the kubelet's, and a negative score that the kernel rejects is left out", async () => {
    const command = ["/bin/sleep", "1000"];
    const same = { cpu: "50m", memory: "16Mi" };
    await accept("guaranteed", {}, { command, resources: { limits: same, requests: same } });
    await accept(
      "burstable",
      {},
      { command, resources: { limits: { memory: "64Mi" }, requests: { cpu: "10m", memory: "8Mi" } } },
    );
    const part = only((podContent({ name: "shared", uid: "" }) as { spec: { containers: object[] } }).spec.containers);
    await accept(
      "shared",
      {
        containers: [
          { ...part, name: "a", command },
          { ...part, name: "b", command },
        ],
      },
      {},
    );
    const refused = /"oomScoreRefused"|OomScoreRefused/;
    const scores = async (name: string): Promise<Readonly<Record<string, number>>> => {
      await site.reported(uidOf(name), "running", ({ status }) =>
        status.containerStatuses.every(({ state }) => state.running !== undefined),
      );
      const all = await site.containers(uidOf(name));
      return Object.fromEntries(
        all.map(({ State, Config }) => [
          Config.Labels["io.kubernetes.container.name"] ?? "",
          Number(readFileSync(`/proc/${State.Pid}/oom_score_adj`, "utf8")),
        ]),
      );
    };
    const found = [await scores("guaranteed"), await scores("burstable"), await scores("shared")];
    const least = refused.test(site.logOf()) ? 0 : -1000;
    const total = Number(/MemTotal: +(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]) * 1024;
    const burstable = Math.min(999, 1000 - Math.floor((1000 * 8 * 2 ** 20) / total));
    assert.deepEqual(found, [
      { app: Math.max(least, -997) },
      { app: burstable },
      { POD: Math.max(least, -998), a: burstable, b: burstable },
    ]);
    const { status } = only((site.latest() ?? []).filter(({ UID }) => UID === uidOf("guaranteed")));
    assert.equal(only(status.containerStatuses).restartCount, 0, "a start that failed for it is no restart");
  });

  test("a pod uses the reachable name servers of the host", async () => {
    const ask = site.script("ask.sh", "cat /etc/resolv.conf\nsleep 1000\n");
    const { volumes, ...container } = ask;
    await accept("asker", { volumes }, container);
    await site.reported(uidOf("asker"), "running", (one) => stateOf(one).running !== undefined);
    const { Id } = only(await site.containers(uidOf("asker")));
    const kept = readFileSync(join(site.dataDir, "dns", "pod-network"), "utf8");
    assert.equal(
      await site.eventually("it has said whom", async () => (await site.logs(Id)) || (kept === "" ? "" : undefined)),
      kept,
    );
    assert.doesNotMatch(kept, /^nameserver 127\./m);
  });

  test("a read-only folder with a submount is rejected if the engine would leave the submount writable", async (t) => {
    const below = join(site.hostFolder, "above", "below");
    mkdirSync(below, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=0777", "none", below]);
    t.after(() => execFileSync("umount", ["--lazy", below]));
    const volumes = [{ name: "above", hostPath: { path: join(site.hostFolder, "above"), type: "" } }];
    const volumeMounts = [{ name: "above", mountPath: "/above", readOnly: true }];
    const command = ["/bin/touch", "/above/below/x"];
    await accept("above", { volumes, restartPolicy: "Never" }, { command, volumeMounts });
    const { ApiVersion } = await site.docker.version();
    if (Number(ApiVersion.split(".")[1]) >= 44) {
      const entry = await site.reported(uidOf("above"), "its end", (one) => stateOf(one).terminated !== undefined);
      assert.notEqual(stateOf(entry).terminated?.exitCode, 0);
    } else {
      const entry = await site.reported(
        uidOf("above"),
        "why it waits",
        (one) => stateOf(one).waiting?.message !== undefined,
      );
      assert.match(
        stateOf(entry).waiting?.message ?? "",
        /^Volume above is read-only and something is mounted below .*API 1\.44/,
      );
      assert.deepEqual(await site.containers(uidOf("above")), []);
    }
  });

  test("containers of a pod are stopped at the same time", async () => {
    const wait = (own: string, other: string): string =>
      `trap 'touch /dev/shm/${own}; until [ -e /dev/shm/${other} ]; do sleep 0.1; done; exit 0' TERM\necho listens\nwhile true; do sleep 1 & wait $!; done\n`;
    const { volumes, ...first } = site.script("a.sh", wait("a", "b"));
    const second = site.script("b.sh", wait("b", "a")).command;
    await accept("pair", { volumes, containers: twoOf("pair", first, { ...first, command: second }) }, {});
    await site.reported(uidOf("pair"), "running", allRun);
    // Before its trap is set, the first process of a container is deaf to SIGTERM.
    await site.eventually("both hear a signal", async () => {
      const all = await Promise.all((await site.containers(uidOf("pair"))).map(({ Id }) => site.logs(Id)));
      return all.filter((said) => said.includes("listens")).length === 2 || undefined;
    });
    await site.ask(podDelete({ name: "pair", uid: uidOf("pair"), msgId: msgId() }));
    const gone = await site.wasReported(uidOf("pair"), "both ended", ({ status }) =>
      status.containerStatuses.every(({ state }) => state.terminated !== undefined),
    );
    const codes = gone.status.containerStatuses.map(({ state }) => state.terminated?.exitCode);
    assert.deepEqual(codes, [0, 0]);
  });

  test("a Succeeded pod has no running sandbox and no address", async () => {
    const command = ["/bin/true"];
    await accept("worker", { restartPolicy: "Never", containers: twoOf("worker", { command }, { command }) }, {});
    // The address is the sandbox's, which stops after the last container.
    const isOver = ({ status }: Entry): boolean => status.phase === "Succeeded" && status.podIP === undefined;
    const entry = await site.reported(uidOf("worker"), "Succeeded, without an address", isOver);
    const left = await site.eventually("nothing of it runs", async () => {
      const all = await site.containers(uidOf("worker"));
      return all.every(({ State }) => !State.Running) ? all : undefined;
    });
    assert.equal(left.length, 3);
    const last = only((site.latest() ?? []).filter(({ UID }) => UID === uidOf("worker")));
    assert.deepEqual(last.status.containerStatuses, entry.status.containerStatuses);
  });
});

describe("pods during an image pull", () => {
  const registry = hangingRegistry();
  const slow = createSite(sharedEngine());
  const image = async (): Promise<string> => `127.0.0.1:${(await registry).port}/slow:1`;
  const command = ["/bin/sleep", "1000"];
  /** Ends as soon as it is told to, where sleep takes its whole grace. */
  const polite = { image: testImages.greeter };
  const send = async (name: string, uid: string, changes: Fields): Promise<void> => {
    const reply = await slow.ask(
      podUpdate({ name, uid, msgId: msgId(), resourceVersion: String(messages), ...changes }),
    );
    assert.equal(reply.content, "OK", name);
  };
  /** Kills it behind the agent's back, and waits for the next one. */
  const crash = async (uid: string, name: string): Promise<Entry> => {
    const all = await slow.containers(uid);
    const one = all.find(({ Config }) => Config.Labels["io.kubernetes.container.name"] === name);
    await slow.docker.getContainer(one?.Id ?? assert.fail(`${name} is there`)).kill();
    return slow.reported(uid, `${name} runs again`, ({ status }) =>
      status.containerStatuses.some(
        (each) => each.name === name && each.restartCount === 1 && each.state.running !== undefined,
      ),
    );
  };
  before(async () => {
    await slow.startCenter();
    await slow.startAgent();
    await slow.online();
  });
  after(async () => {
    await slow.close();
    (await registry).close();
  });

  test("a pod that waits to be replaced is restarted when it ends", async () => {
    const [old, young] = [uidOf("old"), uidOf("young")];
    await send("heir", old, { container: polite });
    await slow.reported(old, "running", allRun);
    await send("heir", young, { container: { command, image: await image() } });
    await slow.eventually("the pull is under way", () => slow.logOf().includes("/slow:1") || undefined);
    await crash(old, "app");
    const [waits] = (slow.latest() ?? []).filter(({ UID }) => UID === young);
    assert.equal(only(waits?.status.containerStatuses ?? []).state.waiting?.reason, "ContainerCreating");
    assert.deepEqual(await slow.containers(young), []);
    await send("heir", young, { container: polite });
    await slow.reported(young, "running once its image is one that is here", allRun);
    await slow.eventually("the old one is gone", async () =>
      (await slow.containers(old)).length === 0 ? true : undefined,
    );
  });

  test("a container is restarted while another one of its pod is pulling, and a delete aborts the pull", async () => {
    const uid = uidOf("beside");
    await send("beside", uid, {
      spec: { containers: twoOf("beside", polite, { command, image: await image() }) },
    });
    await slow.reported(uid, "a runs", ({ status }) => status.containerStatuses[0]?.state.running !== undefined);
    const { status } = await crash(uid, "a");
    assert.equal(status.containerStatuses[1]?.state.waiting?.reason, "ContainerCreating");
    await slow.ask(podDelete({ name: "beside", uid, msgId: msgId() }));
    await slow.eventually("nothing is left of it", async () =>
      (await slow.containers(uid)).length === 0 ? true : undefined,
    );
  });
});

describe("a policy with writableEmptyDir", () => {
  const open = createSite(sharedEngine(), { policy: { writableEmptyDir: true } });
  before(async () => {
    await open.startCenter();
    await open.startAgent();
    await open.online();
  });
  after(() => open.close());

  test("a VOLUME of the image is a bounded tmpfs", async () => {
    const fill = open.script(
      "fill.sh",
      "echo a >/data/a && echo writes\nhead -c 70000000 /dev/zero >/data/b || echo full\nstat -c %a /data\ndf -k /data | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2\nsleep 1000\n",
    );
    const { volumes, ...container } = fill;
    const large = { cpu: "50m", memory: "128Mi" };
    const pod = { name: "filler", uid: uidOf("filler"), msgId: msgId(), spec: { volumes } };
    const resources = { requests: large, limits: large };
    const message = podUpdate({ ...pod, container: { ...container, image: testImages.volume, resources } });
    assert.equal((await open.ask(message)).content, "OK");
    await open.reported(pod.uid, "running", (one) => stateOf(one).running !== undefined);
    const { Id } = only(await open.containers(pod.uid));
    const said = await open.eventually("it has filled it", async () => {
      const lines = (await open.logs(Id)).split("\n");
      return lines.includes("65536") ? lines : undefined;
    });
    assert.deepEqual(
      said.filter((line) => /^(writes|full|1777)$/.test(line)),
      ["writes", "full", "1777"],
    );
    const notices = (open.published()?.notices ?? []).filter((one) => one.includes(pod.name));
    assert.deepEqual(notices, [], "it is as it was admitted");
  });
});
