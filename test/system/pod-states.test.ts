import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { testImages } from "../../scripts/test-images.ts";
import type { ContainerState } from "../../src/core/pod/pod-status.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, type Entry, only } from "./harness.ts";
import { freePort, hangingRegistry } from "./sockets.ts";

const engine = sharedEngine();
const site = createSite(engine);
const closing: (() => unknown)[] = [() => site.close()];

interface State {
  readonly title: string;
  readonly name: string;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly container: Readonly<Record<string, unknown>>;
  readonly phase: string;
  readonly state: (state: ContainerState) => boolean;
  /** STATUS and, where it says something, REASON of `edge status`. */
  readonly status: string;
  readonly reason?: RegExp;
}

const uidOf = (name: string): string =>
  `22222222-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;
const waiting = (reason: string, message?: RegExp) => (state: ContainerState) =>
  state.waiting?.reason === reason && (message === undefined || message.test(state.waiting.message ?? ""));
const ended =
  (exitCode: number, reason: string) =>
  ({ terminated }: ContainerState) =>
    terminated?.exitCode === exitCode &&
    terminated.reason === reason &&
    terminated.containerID?.startsWith("docker://") === true &&
    terminated.startedAt !== null &&
    terminated.finishedAt !== null;
const sh = (words: string) => ({ command: ["/bin/sh", "-c", words] });

const lateImage = "edge.test/states:late";

async function everyState(): Promise<readonly State[]> {
  const { port: hanging, close } = await hangingRegistry();
  closing.push(close);
  // Where the killed process is the container's only one, Docker may hear of its end before it hears why.
  const hungry = site.script("hungry.sh", "tail /dev/zero\ncode=$?\nsleep 1\nexit $code\n");
  const nobody = await freePort();
  const missing = `${site.hostFolder}/missing`;
  return [
    {
      title: "an image that is being pulled",
      name: "creating",
      container: { image: `127.0.0.1:${hanging}/slow:1` },
      phase: "Pending",
      state: waiting("ContainerCreating"),
      status: "ContainerCreating",
    },
    {
      title: "a running container",
      name: "running",
      container: { command: ["/bin/sleep", "1000"] },
      phase: "Running",
      state: ({ running }) => running !== undefined,
      status: "Running",
    },
    {
      title: "a container under Never that ended with 0",
      name: "done-never",
      spec: { restartPolicy: "Never" },
      container: { command: ["/bin/true"] },
      phase: "Succeeded",
      state: ended(0, "Completed"),
      status: "Completed",
    },
    {
      title: "a container under OnFailure that ended with 0",
      name: "done-onfailure",
      spec: { restartPolicy: "OnFailure" },
      container: { command: ["/bin/true"] },
      phase: "Succeeded",
      state: ended(0, "Completed"),
      status: "Completed",
    },
    {
      title: "a container under Never that failed",
      name: "failed",
      spec: { restartPolicy: "Never" },
      container: sh("exit 3"),
      phase: "Failed",
      state: ended(3, "Error"),
      status: "Error",
      reason: /^exit code 3$/,
    },
    {
      title: "a container under Never that exceeded its memory limit",
      name: "oom",
      spec: { restartPolicy: "Never", volumes: hungry.volumes },
      container: { command: hungry.command, volumeMounts: hungry.volumeMounts },
      phase: "Failed",
      state: ended(137, "OOMKilled"),
      status: "OOMKilled",
      reason: /^OOMKilled \(limit /,
    },
    {
      title: "an image for another architecture",
      name: "foreign",
      container: { image: testImages.foreign },
      phase: "Pending",
      state: waiting("CreateContainerError", /The image is for (arm64|amd64), this device is/),
      status: "CreateContainerError",
      reason: /this device is/,
    },
    {
      title: "a program under Never that the image does not have",
      name: "no-program",
      spec: { restartPolicy: "Never" },
      container: { command: ["/bin/nothing"] },
      phase: "Failed",
      state: (state) => ended(127, "ContainerCannotRun")(state) && /bin\/nothing/.test(state.terminated?.message ?? ""),
      status: "ContainerCannotRun",
      reason: /bin\/nothing/,
    },
    {
      title: "a hostPath that does not exist",
      name: "no-hostpath",
      spec: { volumes: [{ name: "gone", hostPath: { path: missing, type: "" } }] },
      container: { volumeMounts: [{ name: "gone", mountPath: "/gone", readOnly: true }] },
      phase: "Pending",
      state: waiting("CreateContainerConfigError", /missing does not exist on this device/),
      status: "CreateContainerConfigError",
      reason: /does not exist on this device/,
    },
    {
      title: "an image that would run as root",
      name: "root-image",
      container: { image: testImages.root, securityContext: {} },
      phase: "Pending",
      state: waiting("CreateContainerConfigError", /container has runAsNonRoot and image will run as root/),
      status: "CreateContainerConfigError",
      reason: /runAsNonRoot/,
    },
    {
      title: "a registry that cannot be reached",
      name: "no-registry",
      container: { image: `127.0.0.1:${nobody}/none:1` },
      phase: "Pending",
      state: waiting("ImagePullBackOff", new RegExp(`Back-off pulling image "127.0.0.1:${nobody}/none:1": .*refused`)),
      status: "ImagePullBackOff",
      reason: /^Registry \S+ cannot be reached: /,
    },
  ];
}

const states = await everyState();

describe("the states of pods at the center and in edge status", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
    // All at once: several of them take their time.
    for (const { name, spec = {}, container } of states) await accept(name, spec, container);
    await accept("crash", {}, sh("exit 3"));
    await accept("cannot-run", {}, { command: ["/bin/nothing"] });
  });
  after(async () => {
    for (const close of closing.reverse()) await close();
  });

  for (const one of states) {
    test(`${one.title} is shown as ${one.status}`, async () => {
      const is = ({ status }: Entry): boolean =>
        status.phase === one.phase && one.state(only(status.containerStatuses).state);
      const { status } = await site.reported(uidOf(one.name), `${one.phase}, ${one.status}`, is);
      const isRunning = one.phase === "Running";
      assert.equal(only(status.containerStatuses).ready, isRunning);
      assert.equal(only(status.containerStatuses).restartCount, 0);
      assert.deepEqual(conditionsOf(status), {
        Initialized: "True",
        Ready: isRunning ? "True" : "False",
        ContainersReady: isRunning ? "True" : "False",
        PodScheduled: "True",
      });
      assert.equal(status.podIP !== undefined, isRunning);
      const row = await site.eventually(`${one.status} in edge status`, async () => {
        const found = await site.row(one.name);
        return found?.status === one.status ? found : undefined;
      });
      assert.equal(row.phase, one.phase);
      assert.equal(row.ready, isRunning ? "1/1" : "0/1");
      if (one.reason !== undefined) assert.match(row.reason ?? "", one.reason);
    });
  }

  test("a failed pull is ErrImagePull first, then ImagePullBackOff", async () => {
    const uid = uidOf("no-registry");
    await site.wasReported(uid, "ErrImagePull", ({ status }) =>
      waiting("ErrImagePull", /refused/)(only(status.containerStatuses).state),
    );
    await site.wasReported(uid, "ImagePullBackOff", ({ status }) =>
      waiting("ImagePullBackOff")(only(status.containerStatuses).state),
    );
    const reasons = site.entries(uid).map(({ status }) => only(status.containerStatuses).state.waiting?.reason);
    assert.ok(reasons.indexOf("ErrImagePull") < reasons.indexOf("ImagePullBackOff"), JSON.stringify(reasons));
  });

  test("a pod that cannot be created has no container and creates nothing on the host", async () => {
    for (const name of ["creating", "foreign", "no-hostpath", "root-image", "no-registry"]) {
      assert.deepEqual(await site.containers(uidOf(name)), [], name);
    }
    assert.equal(existsSync(`${site.hostFolder}/missing`), false);
  });

  test("a container under Always that ends repeatedly is CrashLoopBackOff", async () => {
    const uid = uidOf("crash");
    const entry = await site.reported(uid, "CrashLoopBackOff after two restarts", ({ status }) => {
      const { state, restartCount } = only(status.containerStatuses);
      return waiting("CrashLoopBackOff")(state) && restartCount >= 2;
    });
    const one = only(entry.status.containerStatuses);
    assert.equal(entry.status.phase, "Running");
    assert.match(
      one.state.waiting?.message ?? "",
      /^back-off (?:20s|40s|1m20s) restarting failed container=app pod=crash_websocket\(/,
    );
    assert.ok(ended(3, "Error")(one.lastState), JSON.stringify(one.lastState));
    assert.equal(one.ready, false);
    const attempts = new Map<number, Set<string>>();
    for (const { status } of site.entries(uid)) {
      const { restartCount, containerID } = only(status.containerStatuses);
      if (containerID === undefined) continue;
      attempts.set(restartCount, (attempts.get(restartCount) ?? new Set()).add(containerID));
    }
    const counts = [...attempts.keys()];
    assert.deepEqual(
      counts,
      [...counts].sort((a, b) => a - b),
      "it only ever rises",
    );
    const phases = site.entries(uid).map(({ status }) => status.phase);
    assert.deepEqual([...new Set(phases.slice(phases.indexOf("Running")))], ["Running"], "the phase stays");
    const made = new Set([...attempts.values()].flatMap((set) => [...set]));
    assert.equal(made.size, counts.length, `a container an attempt: ${JSON.stringify([...attempts])}`);
    const row = await site.eventually("edge status shows it", async () => {
      const found = await site.row("crash");
      return found?.status === "CrashLoopBackOff" ? found : undefined;
    });
    assert.deepEqual([row?.status, row?.phase, row?.ready], ["CrashLoopBackOff", "Running", "0/1"]);
    assert.equal(row?.reason, "exit code 3");
  });

  test("a missing program under Always is CrashLoopBackOff, with its failed start as the last state", async () => {
    const { status } = await site.reported(uidOf("cannot-run"), "CrashLoopBackOff after two restarts", (entry) => {
      const { state, restartCount } = only(entry.status.containerStatuses);
      return waiting("CrashLoopBackOff")(state) && restartCount >= 2;
    });
    const { lastState } = only(status.containerStatuses);
    assert.equal(status.phase, "Running");
    assert.ok(ended(127, "ContainerCannotRun")(lastState), JSON.stringify(lastState));
    assert.match(lastState.terminated?.message ?? "", /bin\/nothing/);
  });

  test("a port taken after admission is RunContainerError until it is free", async () => {
    const hostPort = await freePort();
    const uid = uidOf("port-taken");
    await accept(
      "port-taken",
      {},
      {
        image: lateImage,
        command: ["/bin/sleep", "1000"],
        ports: [{ containerPort: 8080, hostPort, protocol: "TCP", hostIP: "127.0.0.1" }],
      },
    );
    await site.wasReported(uid, "ErrImagePull", ({ status }) =>
      waiting("ErrImagePull")(only(status.containerStatuses).state),
    );
    const thief = await site.docker.createContainer({
      Image: testImages.busybox,
      Cmd: ["/bin/sleep", "1000"],
      ExposedPorts: { "8080/tcp": {} },
      HostConfig: { PortBindings: { "8080/tcp": [{ HostIp: "127.0.0.1", HostPort: String(hostPort) }] } },
    });
    const free = () => thief.remove({ force: true }).catch(String);
    closing.push(free);
    await thief.start();
    const [repo = "", tag = ""] = lateImage.split(/:(?=[^:]*$)/);
    await site.docker.getImage(testImages.busybox).tag({ repo, tag });
    const entry = await site.reported(uid, "RunContainerError", ({ status }) =>
      waiting(
        "RunContainerError",
        /port is already allocated|address already in use/,
      )(only(status.containerStatuses).state),
    );
    assert.equal(entry.status.phase, "Pending");
    await site.eventually("RunContainerError in edge status", async () =>
      (await site.row("port-taken"))?.status === "RunContainerError" ? true : undefined,
    );
    await free();
    const running = await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
    assert.equal(only(running.status.containerStatuses).restartCount, 0, "a failed start is no restart");
    only(await site.containers(uid));
  });
});

async function accept(
  name: string,
  spec: Readonly<Record<string, unknown>>,
  container: Readonly<Record<string, unknown>>,
): Promise<void> {
  const msgId = `10000000-${uidOf(name).slice(9)}`;
  assert.equal((await site.ask(podUpdate({ name, uid: uidOf(name), msgId, spec, container }))).content, "OK", name);
}

function conditionsOf(status: Entry["status"]): Readonly<Record<string, string>> {
  return Object.fromEntries(status.conditions.map((one) => [one.type, one.status]));
}
