import assert from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { holdsConfigMap, writeConfigMap } from "../../../src/linux/config-map-folder.ts";

function folder(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), "edge-config-map-"));
  t.after(() => rmSync(parent, { recursive: true }));
  return join(parent, "settings");
}

/** What a program that mounts the folder sees. */
function seen(dir: string): Readonly<Record<string, string>> {
  const names = readdirSync(dir).filter((name) => !name.startsWith(".."));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name), "utf8")]));
}

const hidden = (dir: string) => readdirSync(dir).filter((name) => name.startsWith("..") && name !== "..data");

describe("writeConfigMap()", () => {
  it("creates links through ..data to files that everyone may read", (t) => {
    const dir = folder(t);
    const before = process.umask(0o077);
    t.after(() => process.umask(before));
    assert.equal(holdsConfigMap(dir), false);
    assert.equal(writeConfigMap(dir, { "a.conf": "1\n", b: "ü" }), null);
    assert.equal(holdsConfigMap(dir), true);
    assert.deepEqual(seen(dir), { "a.conf": "1\n", b: "ü" });
    assert.equal(readlinkSync(join(dir, "a.conf")), "..data/a.conf");
    const target = readlinkSync(join(dir, "..data"));
    assert.match(target, /^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.[A-Za-z0-9]{6}$/);
    const modes = ["", target, "a.conf"].map((name) => statSync(join(dir, name)).mode & 0o777);
    assert.deepEqual(modes, [0o755, 0o755, 0o644]);
  });

  it("replaces the content atomically and removes the old files", (t) => {
    const dir = folder(t);
    writeConfigMap(dir, { kept: "1", changed: "1", gone: "1" });
    const old = readlinkSync(join(dir, "..data"));
    const link = lstatSync(join(dir, "changed")).ino;
    assert.equal(writeConfigMap(dir, { kept: "1", changed: "2", "new": "1" }), null);
    assert.deepEqual(seen(dir), { kept: "1", changed: "2", new: "1" });
    assert.equal(lstatSync(join(dir, "changed")).ino, link, "the link of a key that stays is not touched");
    assert.notEqual(readlinkSync(join(dir, "..data")), old);
    assert.deepEqual(hidden(dir), [readlinkSync(join(dir, "..data"))]);
  });

  it("does not write if nothing differs", (t) => {
    const dir = folder(t);
    writeConfigMap(dir, { a: "1" });
    const before = [readlinkSync(join(dir, "..data")), statSync(dir).mtimeMs];
    writeConfigMap(dir, { a: "1" });
    assert.deepEqual([readlinkSync(join(dir, "..data")), statSync(dir).mtimeMs], before);
  });

  it("writes an empty config map, and empties an existing one", (t) => {
    const dir = folder(t);
    assert.equal(writeConfigMap(dir, {}), null);
    assert.equal(holdsConfigMap(dir), true);
    writeConfigMap(dir, { a: "1" });
    writeConfigMap(dir, {});
    assert.deepEqual(seen(dir), {});
  });

  const damages: readonly (readonly [string, (dir: string) => void])[] = [
    ["a file that lost its content", (dir) => truncateSync(join(dir, "..data", "a"))],
    ["a missing link", (dir) => rmSync(join(dir, "a"))],
    ["a link that is a file", (dir) => [rmSync(join(dir, "a")), writeFileSync(join(dir, "a"), "x")]],
    ["a dangling ..data link", (dir) => rmSync(join(dir, readlinkSync(join(dir, "..data"))), { recursive: true })],
    [
      "leftovers of a crash",
      (dir) => {
        mkdirSync(join(dir, "..2026_01_01_00_00_00.abcdef"));
        symlinkSync("..2026_01_01_00_00_00.abcdef", join(dir, "..data_tmp"));
      },
    ],
    ["a foreign file", (dir) => writeFileSync(join(dir, "stray"), "x")],
  ];
  for (const [what, damage] of damages) {
    it(`repairs ${what}`, (t) => {
      const dir = folder(t);
      writeConfigMap(dir, { a: "1", b: "2" });
      damage(dir);
      assert.equal(writeConfigMap(dir, { a: "1", b: "2" }), null);
      assert.deepEqual(seen(dir), { a: "1", b: "2" });
      assert.deepEqual(hidden(dir), [readlinkSync(join(dir, "..data"))]);
    });
  }

  it("rejects a key that is not a file name", (t) => {
    const dir = folder(t);
    for (const key of ["..data", "../a", "a/b", "", ".."]) {
      assert.match(writeConfigMap(dir, { [key]: "1" }) ?? "", /cannot be a file's name/);
    }
  });

  it("returns the error of the disk", (t) => {
    const dir = folder(t);
    writeFileSync(dir, "a file");
    assert.match(writeConfigMap(dir, { a: "1" }) ?? "", /cannot be written on this device: EEXIST|ENOTDIR/);
  });
});

it("writeConfigMap() does not touch a folder that already has the config map", (t) => {
  const place = folder(t);
  assert.equal(writeConfigMap(place, { "app.conf": "1" }), null);
  const before = statSync(place, { bigint: true }).ctimeNs;
  assert.equal(writeConfigMap(place, { "app.conf": "1" }), null);
  assert.equal(statSync(place, { bigint: true }).ctimeNs, before);
});
