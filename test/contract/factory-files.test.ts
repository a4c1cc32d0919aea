import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { factoryFiles } from "../../src/linux/factory-files.ts";
import type { FactoryFiles } from "../../src/ports/factory-files.ts";
import { fakeFactoryFiles } from "../fakes/factory-files.ts";

interface Folder {
  readonly files: FactoryFiles;
  write(file: string, text: string): void;
  remove(file: string): void;
  mount(isThere: boolean): void;
}

function onDisk(t: TestContext): Folder & { readonly path: string } {
  const parent = mkdtempSync(join(tmpdir(), "edge-pods-"));
  t.after(() => rmSync(parent, { recursive: true }));
  const path = join(parent, "pods.d");
  mkdirSync(path, { mode: 0o755 });
  return {
    path,
    files: factoryFiles(path),
    write: (file, text) => writeFileSync(join(path, file), text),
    remove: (file) => rmSync(join(path, file)),
    mount: (isThere) => (isThere ? mkdirSync(path) : rmSync(path, { recursive: true })),
  };
}

const folders: readonly (readonly [string, (t: TestContext) => Folder])[] = [
  ["on disk", onDisk],
  ["in memory", () => fakeFactoryFiles()],
];

const names = (files: FactoryFiles): readonly string[] => {
  const folder = files.look();
  return folder.kind === "read" ? [...folder.files.keys()] : [folder.kind];
};

for (const [where, open] of folders) {
  describe(`a folder of factory pods ${where}`, () => {
    it("lists its files in order, and is missing without a folder", (t) => {
      const { files, write, remove, mount } = open(t);
      assert.deepEqual(names(files), []);
      write("b.json", "{}");
      write("a.json", "{}");
      assert.deepEqual(names(files), ["a.json", "b.json"]);
      remove("a.json");
      assert.deepEqual(names(files), ["b.json"]);
      mount(false);
      assert.deepEqual(names(files), ["missing"]);
      mount(true);
      assert.notDeepEqual(names(files), ["missing"]);
    });

    it("gives a changed file another stamp", async (t) => {
      const { files, write } = open(t);
      const stamp = (): string => {
        const folder = files.look();
        return folder.kind === "read" ? (folder.files.get("a.json") ?? "") : "";
      };
      write("a.json", '{"a":1}');
      const before = stamp();
      assert.equal(stamp(), before);
      // The file system's clock has ticks of its own.
      await new Promise((resolve) => setTimeout(resolve, 20));
      write("a.json", '{"a":2}');
      assert.notEqual(stamp(), before);
    });

    it("reads a file, and says why it cannot", async (t) => {
      const { files, write } = open(t);
      write("a.json", '{"a":1}');
      assert.deepEqual(await files.read("a.json"), { ok: true, json: '{"a":1}' });
      write("a.json", '{"a":');
      const half = await files.read("a.json");
      assert.match(half.ok ? "" : half.reason, /^not valid JSON/);
      const gone = await files.read("gone.json");
      assert.match(gone.ok ? "" : gone.reason, /cannot be read: .*ENOENT/);
    });

    it("tells of changes until it is stopped", async (t) => {
      const { files, write } = open(t);
      const stop = new AbortController();
      t.after(() => stop.abort());
      const told = Promise.withResolvers<void>();
      files.watch(told.resolve, stop.signal);
      write("a.json", "{}");
      await told.promise;
    });
  });
}

describe("a folder of factory pods on disk", () => {
  it("leaves out hidden files, copies of editors and other endings", (t) => {
    const { files, write } = onDisk(t);
    for (const name of [".a.yaml", "#a.yaml", "a.yaml~", "a.yaml.swp", "a.txt", "README"]) write(name, "{}");
    write("a.yaml", "kind: Pod");
    write("b.yml", "kind: Pod");
    assert.deepEqual(names(files), ["a.yaml", "b.yml"]);
  });

  it("reads YAML, one document a file", async (t) => {
    const { files, write } = onDisk(t);
    write("a.yaml", "kind: Pod\nmetadata: { name: web }\n");
    assert.deepEqual(await files.read("a.yaml"), { ok: true, json: '{"kind":"Pod","metadata":{"name":"web"}}' });
    write("a.yaml", "kind: Pod\n---\nkind: Pod\n");
    assert.deepEqual(await files.read("a.yaml"), {
      ok: false,
      reason: "several YAML documents in one file; put each into a file of its own",
    });
    write("a.yaml", "");
    assert.deepEqual(await files.read("a.yaml"), { ok: false, reason: "empty; expected a Pod" });
  });

  it("does not read what is too long, no file, or writable by others", async (t) => {
    const { files, write, path } = onDisk(t);
    write("long.json", `"${"x".repeat(1_100_000)}"`);
    mkdirSync(join(path, "folder.json"));
    symlinkSync("/dev/zero", join(path, "zero.json"));
    for (const name of ["long.json", "folder.json", "zero.json"]) {
      const read = await files.read(name);
      assert.match(read.ok ? "" : read.reason, /no file of at most 1048576 bytes|others may write/, name);
    }
    write("open.json", "{}");
    chmodSync(join(path, "open.json"), 0o666);
    const open = await files.read("open.json");
    assert.match(open.ok ? "" : open.reason, /others may write to .*open\.json/);
    chmodSync(path, 0o777);
    const folder = files.look();
    assert.match(folder.kind === "unreadable" ? folder.reason : "", /others may write to .*pods\.d/);
  });

  it("reads at most 64 files and counts the others", (t) => {
    const { files, write } = onDisk(t);
    for (let index = 0; index < 66; index += 1) write(`${index}.json`, "{}");
    const folder = files.look();
    assert.ok(folder.kind === "read");
    assert.deepEqual([folder.files.size, folder.more], [64, 2]);
  });
});
