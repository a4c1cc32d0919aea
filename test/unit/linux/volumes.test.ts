import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { defaultPolicy } from "../../../src/core/admission/policy.ts";
import type { AcceptedPod, Volume } from "../../../src/core/pod/spec.ts";
import { unmountBelow } from "../../../src/linux/bind-mounts.ts";
import { discardedFolders } from "../../../src/linux/discarded-folders.ts";
import {
  forgetPod,
  parentsOfPods,
  prepareVolumes,
  refreshConfigMaps,
  removeVolumes,
  savedPods,
  savePod,
} from "../../../src/linux/volumes.ts";
import { acceptedPod, withSpec } from "../../samples/pods.ts";

const noMaps: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map();

function setUp(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "edge-volumes-"));
  t.after(() => {
    assert.equal(unmountBelow(dir), null);
    rmSync(dir, { recursive: true, force: true });
  });
  const host = join(dir, "host");
  mkdirSync(join(host, "allowed"), { recursive: true });
  mkdirSync(join(host, "other"));
  const dataDir = join(dir, "data");
  const policy = { ...defaultPolicy, hostPaths: [join(host, "allowed"), join(host, "link"), join(host, "missing")] };
  const runDir = mkdtempSync("/dev/shm/edge-volumes-");
  t.after(() => {
    assert.equal(unmountBelow(runDir), null);
    rmSync(runDir, { recursive: true, force: true });
  });
  const resolvConf = ({ hostNetwork }: { readonly hostNetwork?: boolean }) => (hostNetwork === true ? "/host" : "/pod");
  const options = { dataDir, runDir, policy: () => policy, protectedPaths: () => [dataDir], resolvConf };
  return { host, dataDir, options };
}

function withVolumes(...volumes: Volume[]): AcceptedPod {
  const pod = acceptedPod({ uid: "6bf30364-3c62-493d-b3c1-848012fb8731" });
  return withSpec(pod, { ...pod.spec, volumes });
}

test("a hostPath is resolved to its real path, and an emptyDir is a folder that every user may use", async (t) => {
  const { host, options } = setUp(t);
  const pod = withVolumes({ name: "h", hostPath: { path: `${host}/allowed/` } }, { name: "e", emptyDir: {} });
  const result = await prepareVolumes(options, pod, ["/cache"], noMaps);
  assert.ok(result.ok);
  assert.deepEqual(result.hostPaths, { h: join(host, "allowed") });
  assert.equal(statSync(result.volumePaths.h ?? "").ino, statSync(join(host, "allowed")).ino);
  assert.equal(statSync(result.volumePaths.e ?? "").mode & 0o777, 0o777);
  assert.equal(statSync(result.coveredPaths["/cache"] ?? "").mode & 0o777, 0o555);
});

test("a VOLUME of the image is covered, or a tmpfs if the policy allows writing", async (t) => {
  const { options } = setUp(t);
  const writable = { ...options, policy: () => ({ ...defaultPolicy, writableEmptyDir: true }) };
  const covered = await prepareVolumes(options, withVolumes(), ["/cache"], noMaps);
  const scratch = await prepareVolumes(writable, withVolumes(), ["/cache"], noMaps);
  assert.ok(covered.ok && scratch.ok);
  assert.deepEqual([Object.keys(covered.coveredPaths), covered.scratchPaths], [["/cache"], []]);
  assert.deepEqual([Object.keys(scratch.coveredPaths), scratch.scratchPaths], [[], ["/cache"]]);
});

test("a pod in the host's network uses the name servers of the host", async (t) => {
  const { options } = setUp(t);
  const pod = withVolumes();
  const onHost = { ...pod, spec: { ...pod.spec, hostNetwork: true } };
  const names = await Promise.all([pod, onHost].map((one) => prepareVolumes(options, one, [], noMaps)));
  assert.deepEqual(
    names.map((one) => one.ok && one.resolvConf),
    ["/pod", "/host"],
  );
});

test("a config map is written with its pod, refreshed while mounted, and kept after its deletion", async (t) => {
  const { dataDir, options } = setUp(t);
  const pod = withVolumes({ name: "settings", configMap: { name: "app-settings", defaultMode: 420 } });
  const maps = (value: string) => new Map([["app-settings", { "app.conf": value }]]);
  assert.deepEqual(await prepareVolumes(options, pod, [], noMaps), {
    ok: false,
    message: 'configmap "app-settings" not found',
  });
  assert.deepEqual(refreshConfigMaps(dataDir, pod, maps("0")), []);
  assert.equal(existsSync(join(dataDir, "pods")), false, "a pod that is not made gets no folder");
  const made = await prepareVolumes(options, pod, [], maps("1"));
  assert.ok(made.ok);
  const file = join(made.volumePaths["settings"] ?? "", "app.conf");
  assert.equal(readFileSync(file, "utf8"), "1");
  assert.deepEqual(refreshConfigMaps(dataDir, pod, maps("2")), []);
  assert.equal(readFileSync(file, "utf8"), "2");
  assert.deepEqual(refreshConfigMaps(dataDir, pod, noMaps), []);
  assert.ok((await prepareVolumes(options, pod, [], noMaps)).ok, "it is made again from what it had");
  assert.equal(readFileSync(file, "utf8"), "2");
});

test("the config maps of a pod are written one at a time, and other work has its turn in between", async (t) => {
  const { options } = setUp(t);
  const names = ["a", "b", "c", "d"];
  const pod = withVolumes(...names.map((name) => ({ name, configMap: { name, defaultMode: 420 } })));
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const made = await prepareVolumes(options, pod, [], new Map(names.map((name) => [name, { key: "1" }])));
  isOver = true;
  assert.ok(made.ok);
  assert.ok(turns >= names.length, `${turns} turns`);
});

test("a missing hostPath is named and not created", async (t) => {
  const { host, options } = setUp(t);
  const result = await prepareVolumes(
    options,
    withVolumes({ name: "h", hostPath: { path: join(host, "missing") } }),
    [],
    noMaps,
  );
  assert.ok(!result.ok);
  assert.match(result.message, /missing does not exist on this device; create it/);
  assert.equal(existsSync(join(host, "missing")), false);
});

test("the target of a symbolic link must be allowed too", async (t) => {
  const { host, dataDir, options } = setUp(t);
  const pod = withVolumes({ name: "h", hostPath: { path: join(host, "link") } });
  for (const target of [join(host, "other"), "/", "/proc", dataDir]) {
    mkdirSync(dataDir, { recursive: true });
    rmSync(join(host, "link"), { force: true });
    symlinkSync(target, join(host, "link"));
    const result = await prepareVolumes(options, pod, [], noMaps);
    assert.ok(!result.ok, `${target} is refused`);
  }
  rmSync(join(host, "link"));
  symlinkSync(join(host, "allowed"), join(host, "link"));
  assert.ok((await prepareVolumes(options, pod, [], noMaps)).ok);
});

test("the copy of a pod's spec can be read, dropped, and is removed with its folders", async (t) => {
  const { dataDir, options } = setUp(t);
  const pod = withVolumes({ name: "e", emptyDir: {} });
  assert.deepEqual(savedPods(dataDir), { pods: [], unreadable: [] });
  savePod(dataDir, pod);
  assert.deepEqual(savedPods(dataDir).pods, [pod]);
  const broken = join(dataDir, "pods", "broken", "pod.json");
  mkdirSync(join(dataDir, "pods", "broken"));
  writeFileSync(broken, "{");
  assert.deepEqual(savedPods(dataDir).unreadable, [broken]);
  forgetPod(dataDir, pod.id.uid);
  assert.deepEqual(savedPods(dataDir).pods, []);
  await prepareVolumes(options, pod, [], noMaps);
  removeVolumes(options, pod.id.uid, discardedFolders(parentsOfPods(options)));
  assert.equal(existsSync(join(dataDir, "pods", pod.id.uid)), false);
});

test("a volume in memory is a mount below the run folder, closed to other users, and removed with the pod", async (t) => {
  const { options } = setUp(t);
  const pod = withVolumes({ name: "m", emptyDir: { medium: "Memory" } });
  const result = await prepareVolumes(options, pod, [], noMaps);
  assert.ok(result.ok);
  const path = result.volumePaths["m"] ?? "";
  assert.ok(path.startsWith(options.runDir));
  assert.equal(statSync(path).mode & 0o777, 0o777);
  assert.equal(statSync(join(options.runDir, "pods")).mode & 0o777, 0o700);
  removeVolumes(options, pod.id.uid, discardedFolders(parentsOfPods(options)));
  assert.equal(existsSync(path), false);
});

test("a volume in memory is bounded by the pod's memory and kept when it is prepared again", async (t) => {
  const { dataDir, options } = setUp(t);
  const pod = withVolumes({ name: "m", emptyDir: { medium: "Memory" } });
  const [container] = pod.spec.containers;
  assert.ok(container !== undefined);
  const containers = ["1Mi", "2Mi"].map((memory) => ({
    ...container,
    resources: { limits: { memory }, requests: {} },
  }));
  const limited = withSpec(pod, { ...pod.spec, containers });
  const onDisk = { ...options, runDir: dataDir };
  const prepared = async () => {
    const result = await prepareVolumes(onDisk, limited, [], noMaps);
    assert.ok(result.ok);
    const file = join(result.volumePaths["m"] ?? "", "file");
    if (!existsSync(file)) assert.throws(() => writeFileSync(file, Buffer.alloc(4 << 20)), { code: "ENOSPC" });
    return statSync(file);
  };
  const first = await prepared();
  assert.equal(first.size, 3 << 20);
  assert.equal((await prepared()).size, 3 << 20);
  assert.notEqual(first.dev, statSync(dataDir).dev);
});
