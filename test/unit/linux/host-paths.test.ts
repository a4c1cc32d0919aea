import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { defaultPolicy } from "../../../src/core/admission/policy.ts";
import { bindMount, mountedBelow, unmountBelow } from "../../../src/linux/bind-mounts.ts";
import { hostPathPods, placeHostPath, removeHostPaths } from "../../../src/linux/host-paths.ts";
import { removalStep, unmountStep } from "../../../src/linux/install/install-steps.ts";
import { userEnginePaths } from "../../../src/linux/user-engines.ts";

const uid = "6bf30364-3c62-493d-b3c1-848012fb8731";
const isRoot = process.geteuid?.() === 0;

/** A folder that pods may mount from, a secret beside it, and a run folder. */
function setUp(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "edge-host-paths-"));
  t.after(() => {
    assert.equal(unmountBelow(dir), null);
    rmSync(dir, { recursive: true, force: true });
  });
  const [allowed, secret, runDir] = [join(dir, "allowed"), join(dir, "secret"), join(dir, "run")];
  for (const path of [join(allowed, "data"), secret, runDir]) mkdirSync(path, { recursive: true });
  writeFileSync(join(allowed, "data", "word"), "allowed");
  writeFileSync(join(secret, "word"), "secret");
  const policy = { ...defaultPolicy, hostPaths: [`${allowed}/**`] };
  const options = {
    runDir,
    policy: () => policy,
    protectedPaths: () => [runDir, join(dir, "engines", "engine"), join(dir, "socket")],
  };
  const place = (path = join(allowed, "data"), volume = "data") =>
    placeHostPath(options, { uid, volume, path, writable: false });
  const mount = (source: string, at: string) => {
    const descriptor = openSync(source, "r");
    assert.equal(bindMount(descriptor, at), null);
    closeSync(descriptor);
  };
  return { dir, allowed, secret, runDir, place, mount };
}

function withoutPrograms<T>(run: () => T): T {
  const { PATH } = process.env;
  process.env["PATH"] = "/nowhere";
  try {
    return run();
  } finally {
    process.env["PATH"] = PATH;
  }
}

test("a host path that is swapped all the time never exposes a forbidden path", async (t) => {
  if (!isRoot) return t.diagnostic("the agent mounts only as root");
  const { allowed, secret, place } = setUp(t);
  const path = join(allowed, "data");
  const loop = `while :; do mv -T "${path}" "${path}.aside"; ln -s "${secret}" "${path}"; rm "${path}"; mv -T "${path}.aside" "${path}"; done`;
  const attacker = spawn("sh", ["-c", loop], { stdio: "ignore" });
  let [shown, refused] = [0, 0];
  try {
    while (shown < 20 || refused < 20) {
      const result = place();
      if (result.ok) {
        assert.equal(readFileSync(join(result.path, "word"), "utf8"), "allowed");
        shown += 1;
      } else refused += 1;
    }
  } finally {
    attacker.kill("SIGKILL");
    await once(attacker, "exit");
  }
  t.diagnostic(`${shown} shown, ${refused} refused`);
});

test("the mount of a host path keeps its target when the path becomes a link", (t) => {
  const { allowed, secret, place } = setUp(t);
  const result = place();
  assert.ok(result.ok, JSON.stringify(result));
  rmSync(join(allowed, "data", "word"));
  writeFileSync(join(allowed, "data", "word"), "allowed as well");
  if (!isRoot) return;
  const aside = join(allowed, "aside");
  mkdirSync(aside);
  rmSync(join(allowed, "data"), { recursive: true });
  symlinkSync(secret, join(allowed, "data"));
  assert.equal(existsSync(join(result.path, "word")), false, "the folder is empty by now, and no other one");
  const again = place();
  assert.ok(!again.ok);
  assert.match(again.message, /\(which leads to .*secret\) is not allowed by this device's policy/);
});

test("an existing mount of a host path is kept, and an unmounted one is mounted again", (t) => {
  const { runDir, place } = setUp(t);
  const first = place();
  assert.ok(first.ok);
  const lines = () =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(runDir));
  const before = lines();
  assert.deepEqual(withoutPrograms(place), first, "an agent that starts again has nothing to mount");
  assert.deepEqual(lines(), before);
  assert.equal(before.length, isRoot ? 1 : 0);
  unmountBelow(runDir);
  assert.deepEqual(place(), first);
  assert.equal(readFileSync(join(first.path, "word"), "utf8"), "allowed");
});

test("a file is mounted like a folder, and submounts of a folder are included", (t) => {
  const { allowed, secret, runDir, place, mount } = setUp(t);
  const file = place(join(allowed, "data", "word"));
  assert.ok(file.ok);
  assert.equal(readFileSync(file.path, "utf8"), "allowed");
  if (!isRoot) return;
  const below = join(allowed, "data", "below");
  mkdirSync(below);
  mount(secret, below);
  const folder = place(join(allowed, "data"), "folder");
  assert.ok(folder.ok);
  assert.equal(readFileSync(join(folder.path, "below", "word"), "utf8"), "secret");
  removeHostPaths(runDir, uid);
  assert.deepEqual([mountedBelow(runDir), mountedBelow(allowed)], [[], [below]], "the device's own mount stays");
});

test("the mounts of a pod are removed with it, and their sources stay", (t) => {
  const { allowed, runDir, place } = setUp(t);
  const [first, second] = [place(), place(join(allowed, "data", "word"), "word")];
  assert.ok(first.ok && second.ok);
  removeHostPaths(runDir, uid, [first.path]);
  assert.equal(mountedBelow(runDir).length, isRoot ? 1 : 0);
  removeHostPaths(runDir, uid);
  assert.deepEqual([mountedBelow(runDir), hostPathPods(runDir)], [[], []]);
  assert.equal(readFileSync(join(allowed, "data", "word"), "utf8"), "allowed");
});

test("submounts below a folder are not removed with it", (t) => {
  if (!isRoot) return t.diagnostic("the agent mounts only as root");
  const { allowed, runDir, place } = setUp(t);
  assert.ok(place().ok);
  assert.throws(() => removalStep(runDir).carryOut(), /was not removed, because .* is mounted\. Unmount it first/);
  assert.deepEqual(readdirSync(join(allowed, "data")), ["word"]);
  unmountStep(runDir).carryOut();
  removalStep(runDir).carryOut();
  assert.deepEqual([existsSync(runDir), readdirSync(join(allowed, "data"))], [false, ["word"]]);
});

test("without mounts a path is used only if only root and the agent can replace it", (t) => {
  const { allowed, place } = setUp(t);
  const path = join(allowed, "data");
  assert.deepEqual(withoutPrograms(place), { ok: true, path, real: path });
  chmodSync(allowed, 0o777);
  const open = withoutPrograms(place);
  assert.ok(!open.ok);
  assert.match(open.message, /cannot be mounted by the agent/);
  assert.ok(open.message.includes(`other users may write to ${allowed} and exchange the path`), open.message);
  chmodSync(allowed, 0o1777);
  assert.ok(withoutPrograms(place).ok, "in a sticky folder only the owner of a name exchanges it");
});

test("a protected path is protected under every other name, as bind mount or hard link", (t) => {
  if (!isRoot) return t.diagnostic("only root mounts");
  const { dir, allowed, place, mount } = setUp(t);
  const engine = join(dir, "engines", "engine");
  mkdirSync(join(engine, "overlay2", "layer"), { recursive: true });
  writeFileSync(join(dir, "socket"), "");
  const at = (name: string): string => {
    mkdirSync(join(allowed, name, "here"), { recursive: true });
    return join(allowed, name, "here");
  };
  mount(engine, at("bind"));
  mount(join(engine, "overlay2", "layer"), at("inside"));
  mount(join(dir, "engines"), at("above"));
  mkdirSync(join(at("below"), "deep"));
  mount(engine, join(at("below"), "deep"));
  linkSync(join(dir, "socket"), join(allowed, "link"));
  for (const path of ["bind/here", "inside/here", "above/here", "below/here", "link"]) {
    const result = place(join(allowed, path));
    assert.ok(!result.ok, path);
    assert.match(result.message, /is another name of .*(engine|socket), or shows it; no pod may see it/);
  }
  assert.deepEqual(mountedBelow(join(dir, "run")), []);
});

test("a kernel file system is protected at every mount point, with the folders above it", (t) => {
  if (!isRoot) return t.diagnostic("only root mounts");
  const { allowed, place, mount } = setUp(t);
  for (const [name, source] of Object.entries({ processes: "/proc/sys", devices: "/dev", kernel: "/sys/kernel" })) {
    mkdirSync(join(allowed, name, "deep"), { recursive: true });
    mount(source, join(allowed, name, "deep"));
    for (const path of [join(allowed, name, "deep"), join(allowed, name)]) {
      const result = place(path);
      assert.ok(!result.ok, path);
      assert.match(result.message, /a file system of type \w+; no pod may see it/);
    }
  }
});

test("sockets of the engines of users are found in their runtime folders", (t) => {
  const { dir } = setUp(t);
  mkdirSync(join(dir, "user", "1000"), { recursive: true });
  assert.ok(userEnginePaths(join(dir, "user")).includes(join(dir, "user", "1000", "docker.sock")));
  assert.deepEqual(userEnginePaths(join(dir, "none")), []);
});
