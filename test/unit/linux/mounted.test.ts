import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { mountedElsewhere } from "../../../src/linux/mounted.ts";
import type { MountedAt } from "../../../src/ports/pod-files.ts";

// A process's root is a folder to whoever looks at it, and what is mounted there under another name is the same file.
const folder = mkdtempSync(join(tmpdir(), "mounted-"));
const root = join(folder, "root");
mkdirSync(join(root, "run/app"), { recursive: true });
mkdirSync(join(root, "var"), { recursive: true });
mkdirSync(join(folder, "other"));
symlinkSync("/run", join(root, "var/run"));
symlinkSync("../run/./app", join(root, "var/relative"));
symlinkSync("/var/../../../run", join(root, "above"));
symlinkSync("around", join(root, "around"));
symlinkSync(join(folder, "other"), join(root, "outside"));
after(() => rmSync(folder, { recursive: true }));

const source = join(root, "run/app");
/** The difference in words, null when there is none. */
const difference = (at: string, mounts: readonly MountedAt[]) => {
  const seen = mountedElsewhere(at, mounts);
  return seen.kind === "same" ? null : seen.message;
};
const look = (target: string, from = source) => difference(root, [{ source: from, target }]);

test("links of the image are resolved inside the container", () => {
  for (const target of ["/run/app", "/run/app/", "/var/run/app", "/var/relative", "/above/app", "//run/./app"]) {
    assert.equal(look(target), null, target);
  }
});

test("another or a missing file is a difference with its name", () => {
  const other = join(folder, "other");
  assert.equal(look("/run/app", other), `/run/app in the container is not ${other} of this device`);
  // Followed from the device's root it would be the very same folder.
  assert.equal(look("/outside", other), `/outside in the container is not ${other} of this device`);
  for (const target of ["/missing", "/around"]) assert.match(look(target) ?? "", /in the container is not/);
  assert.match(look("/run/app", join(folder, "gone")) ?? "", /gone of this device$/);
});

test("a folder of another file system that is mounted here has been covered, one of the same has not", () => {
  const covered = (from: string): boolean | null => {
    const seen = mountedElsewhere("/", [{ source: from, target: "/dev" }]);
    return seen.kind === "elsewhere" ? seen.isCovered : null;
  };
  assert.equal(covered("/proc"), true);
  assert.equal(covered("/dev"), null);
  assert.equal(covered(join(folder, "gone")), false);
  const other = mountedElsewhere(root, [{ source: join(folder, "other"), target: "/run/app" }]);
  assert.equal(other.kind === "elsewhere" && other.isCovered, false);
});

test("the first difference of several mounts is reported", () => {
  const mounts = [
    { source, target: "/run/app" },
    { source, target: "/var" },
    { source, target: "/missing" },
  ];
  assert.match(difference(root, mounts) ?? "", /^\/var in the container/);
  assert.equal(difference(root, []), null);
});

test("mounts of an ended process are unknown", () => {
  assert.equal(difference(join(folder, "ended"), [{ source, target: "/run/app" }]), null);
});

test("a path that cannot be read is unknown, not a difference", () => {
  const mounts = [{ source, target: "/run/app" }];
  const seen = mountedElsewhere(`${root}/${"x".repeat(256)}`, mounts);
  assert.deepEqual(seen, { kind: "unknown", message: "/run/app: ENAMETOOLONG" });
});
