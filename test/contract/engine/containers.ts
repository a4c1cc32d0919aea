import assert from "node:assert/strict";
import { it } from "node:test";
import { testImages } from "../../../scripts/test-images.ts";
import { madeContainer } from "../../../src/agent/pods/own-change.ts";
import { containerName } from "../../../src/core/pod/identity.ts";
import type { ContainerPort, ContainerSpec, PodSpec } from "../../../src/core/pod/spec.ts";
import { acceptedPod, createRequest } from "../engine-requests.ts";
import { errorOf, eventually, generous, valued } from "../engine-results.ts";
import type { Bench } from "./bench.ts";
import { program } from "./machines.ts";

const both = { cpu: "100m", memory: "32Mi" };

const generousGrants = {
  container: {
    securityContext: {
      allowPrivilegeEscalation: true,
      capabilities: { add: ["NET_ADMIN", "CHOWN"], drop: ["MKNOD"] },
      privileged: true,
      readOnlyRootFilesystem: false,
      runAsNonRoot: false,
      runAsUser: 0,
      seccompProfile: { type: "RuntimeDefault" },
    },
  },
  spec: { hostNetwork: true, hostPID: true },
} satisfies { readonly container: Partial<ContainerSpec>; readonly spec: Partial<PodSpec> };

/** What an engine does with one container at a time. */
export function containerTests(bench: Bench): void {
  const { image, request, create, started, stateOf, listedState, exited } = bench;

  it("says what it is", async () => {
    const info = valued(await bench.engine.info(generous()));
    assert.match(info.apiVersion, /^1\.\d+$/);
    assert.ok(["amd64", "arm64"].includes(info.architecture));
    assert.ok(info.cpus > 0 && info.memoryBytes > 0 && info.dataRoot.startsWith("/"));
    assert.notEqual(info.runId, null);
    assert.equal(valued(await bench.engine.info(generous())).runId, info.runId);
  });

  it("shows a container that was just made as the agent knows it without looking", async () => {
    const port: ContainerPort = { containerPort: 80, hostPort: 18_080, protocol: "TCP", hostIP: "127.0.0.1" };
    for (const spec of [program("forever"), { ...program("forever"), ports: [port] }]) {
      const wanted = await request(spec);
      const id = await create(wanted);
      assert.deepEqual(madeContainer(id, wanted), valued(await bench.engine.inspect(id, generous())));
    }
  });

  it("makes, starts, lists, stops and removes a container", async () => {
    const wanted = await request(program("forever"));
    const id = await create(wanted);
    assert.deepEqual(await stateOf(id), { kind: "created" });
    valued(await bench.engine.start(id, generous()));
    const running = valued(await bench.engine.inspect(id, generous()));
    assert.equal(running.state.kind, "running");
    assert.equal(running.imageId, wanted.image.id);
    assert.deepEqual(running.pod, wanted.pod.id);
    assert.match(running.ip ?? "", /^\d+\.\d+\.\d+\.\d+$/);
    const { podHash, specHash, installId, generation, attempt } = wanted;
    for (const [key, value] of Object.entries({
      podHash,
      specHash,
      installId,
      generation,
      attempt,
      restartPolicy: "Always",
    })) {
      assert.equal(running[key as keyof typeof running], value, key);
    }
    for (let times = 0; times < 3; times += 1) {
      const list = valued(await bench.engine.list(generous()));
      assert.deepEqual(
        list.find((each) => each.id === id),
        running,
      );
    }
    valued(await bench.engine.start(id, generous()));
    valued(await bench.engine.stop(id, 20, generous()));
    const state = await stateOf(id);
    assert.ok(state.kind === "exited" && state.exitCode === 0, JSON.stringify(state));
    assert.deepEqual(await listedState(id), state);
    assert.equal(valued(await bench.engine.inspect(id, generous())).ip, undefined);
    valued(await bench.engine.stop(id, 0, generous()));
    valued(await bench.engine.remove(id, generous()));
    assert.equal(await listedState(id), undefined);
    assert.equal(errorOf(await bench.engine.inspect(id, generous())), "notFound");
    valued(await bench.engine.remove(id, generous()));
    valued(await bench.engine.stop(id, 0, generous()));
    assert.equal(errorOf(await bench.engine.start(id, generous())), "notFound");
  });

  it("tells how a container ended, in every list from then on", async () => {
    for (const [name, exitCode] of [
      ["exit7", 7],
      ["exit0", 0],
    ] as const) {
      const id = await started(program(name));
      const state = await exited(id);
      assert.equal(state.exitCode, exitCode);
      assert.equal(state.oomKilled, false);
      assert.match(state.finishedAt, /^20\d\d-/);
      for (let times = 0; times < 3; times += 1) assert.deepEqual(await listedState(id), state);
    }
  });

  it("shows a container that was started again by hand as it is now", async () => {
    const id = await started(program("forever"));
    const first = await listedState(id);
    await bench.machine.killByHand(id);
    await eventually(async () => (await listedState(id))?.kind === "exited" || null);
    valued(await bench.engine.start(id, generous()));
    const second = await listedState(id);
    assert.equal(second?.kind, "running");
    assert.notDeepEqual(second, first);
  });

  it("finds a container as it was made, and says when it is gone", async () => {
    const wanted = await request(program("forever"));
    const id = await create(wanted);
    assert.deepEqual(valued(await bench.engine.audit(id, wanted, generous())).differences, []);
    valued(await bench.engine.start(id, generous()));
    assert.deepEqual(valued(await bench.engine.audit(id, wanted, generous())).differences, []);
    valued(await bench.engine.stop(id, 0, generous()));
    valued(await bench.engine.remove(id, generous()));
    assert.equal(errorOf(await bench.engine.audit(id, wanted, generous())), "notFound");
  });

  it("finds no difference in a container that was granted all there is to grant", async () => {
    const { container, spec } = generousGrants;
    const wanted = createRequest(
      acceptedPod(`pod-${process.pid}-granted`, container, spec),
      await image(testImages.root),
    );
    const id = await create(wanted);
    assert.deepEqual(valued(await bench.engine.audit(id, wanted, generous())).differences, []);
  });

  it("does not make a second container of one name", async () => {
    const wanted = await request(program("forever"));
    await create(wanted);
    assert.equal(errorOf(await bench.engine.create(wanted, generous())), "conflict");
  });

  it("does not make a container from an image that is not here", async () => {
    const wanted = await request(program("forever"));
    const missing = { ...wanted, image: { ...wanted.image, id: `sha256:${"0".repeat(64)}` } };
    assert.equal(errorOf(await bench.engine.create(missing, generous())), "imageNotFound");
    assert.equal(errorOf(await bench.engine.image("edge.test/none:1", generous())), "notFound");
    assert.equal(errorOf(await bench.engine.image(missing.image.id, generous())), "notFound");
  });

  it("refuses a foreign architecture, root, and a volume that nobody covers", async () => {
    const kinds = async (name: string) => errorOf(await bench.engine.create(await request({}, name), generous()));
    assert.equal(await kinds(testImages.foreign), "wrongArchitecture");
    assert.equal(await kinds(testImages.root), "invalid");
    assert.equal(await kinds(testImages.volume), "invalid");
  });

  it("leaves a container that could not start with the engine's words", async () => {
    const id = await create(await request({ command: ["/no/such/program"] }));
    assert.deepEqual(await listedState(id), { kind: "created" });
    const result = await bench.engine.start(id, generous());
    assert.equal(errorOf(result), "failed");
    const state = await listedState(id);
    assert.ok(
      state?.kind === "created" && state.startError?.includes("no such file or directory"),
      JSON.stringify(state),
    );
    // 128 is podman's number for it.
    assert.ok([127, 128].includes(state.cannotRun?.exitCode ?? 0), JSON.stringify(state));
    assert.ok(Date.parse(state.cannotRun?.createdAt ?? "") <= Date.now());
  });

  it("does not start a container whose port is taken", async () => {
    const port = {
      containerPort: 80,
      hostPort: bench.machine.hostPorts[0],
      protocol: "TCP",
      hostIP: bench.machine.hostIp,
    } satisfies ContainerPort;
    const holder = await started({ ...program("forever"), ports: [port] });
    const id = await create(await request({ ...program("forever"), ports: [port] }));
    assert.equal(errorOf(await bench.engine.start(id, generous())), "portInUse");
    for (const one of [holder, id]) {
      assert.deepEqual(valued(await bench.engine.inspect(one, generous())).hostPorts, [`${port.hostPort}/TCP`]);
    }
    assert.equal((await listedState(id))?.kind, "created");
    valued(await bench.engine.stop(holder, 0, generous()));
    valued(await bench.engine.start(id, generous()));
  });

  it("starts a container with a negative OOM score, or says that the kernel takes none and starts it without", async () => {
    const wanted = await request({ ...program("forever"), resources: { limits: both, requests: both } });
    const first = await create({ ...wanted, oomScoreAdj: -997 });
    const begun = await bench.engine.start(first, generous());
    if (begun.ok) return;
    assert.equal(begun.error.kind, "oomScoreRefused", begun.error.message);
    assert.equal((await stateOf(first)).kind, "created");
    valued(await bench.engine.start(await create({ ...wanted, attempt: 1 }), generous()));
  });

  it("kills what does not end in its grace period", async () => {
    for (const grace of [0, 1]) {
      const id = await started(program("deaf"));
      valued(await bench.engine.stop(id, grace, generous()));
      const state = await stateOf(id);
      assert.ok(state.kind === "exited" && state.exitCode === 137 && !state.oomKilled, JSON.stringify(state));
    }
  });

  it("does not remove what runs", async () => {
    const id = await started(program("forever"));
    assert.equal(errorOf(await bench.engine.remove(id, generous())), "conflict");
    assert.equal((await stateOf(id)).kind, "running");
  });

  it("knows a container that was renamed by hand by its labels, and gives it its name back", async () => {
    const wanted = await request(program("forever"));
    const id = await create(wanted);
    const name = containerName({ container: "app", pod: wanted.pod.id, attempt: 0 });
    await bench.machine.renameByHand(id, `mine-${wanted.pod.id.name}`);
    const listed = async () => valued(await bench.engine.list(generous())).find((each) => each.id === id);
    assert.equal((await listed())?.renamed, `mine-${wanted.pod.id.name}`);
    assert.equal((await listed())?.pod.uid, wanted.pod.id.uid);
    const other = await create(await request(program("forever")));
    assert.equal(errorOf(await bench.engine.rename(other, `mine-${wanted.pod.id.name}`, generous())), "conflict");
    valued(await bench.engine.rename(id, name, generous()));
    const back = await listed();
    assert.deepEqual([back?.renamed, back?.state.kind], [undefined, "created"]);
  });

  it("shows a container that was taken out of its network by hand, until it is started again", async () => {
    const id = await create(await request(program("forever")));
    valued(await bench.engine.start(id, generous()));
    const listed = async () => valued(await bench.engine.list(generous())).find((each) => each.id === id);
    assert.equal((await listed())?.disconnected, undefined);
    await bench.machine.disconnectByHand(id);
    const apart = await listed();
    assert.deepEqual([apart?.disconnected, apart?.state.kind, apart?.ip], [true, "running", undefined]);
    valued(await bench.engine.stop(id, 0, generous()));
    assert.equal((await listed())?.disconnected, undefined);
  });

  it("does not see a container whose name and labels disagree", async () => {
    const wanted = await request(program("forever"));
    const pod = { ...wanted.pod.id };
    const name = containerName({ container: "app", pod, attempt: 0 });
    await bench.machine.addForeign(name, { "io.kubernetes.pod.name": "another", "edge.install": "install-1" });
    const list = valued(await bench.engine.list(generous()));
    assert.ok(list.every((each) => each.pod.name !== pod.name));
  });
}
