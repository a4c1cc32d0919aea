import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { linuxImageArchives } from "../../src/linux/image-archives.ts";
import type { ArchiveFile, ImageArchives } from "../../src/ports/image-archives.ts";
import { fakeImageArchives } from "../fakes/image-archives.ts";
import { sampleArchive } from "../samples/image-archive.ts";

/** The folder behind the port, for a test. */
interface Folder {
  readonly archives: ImageArchives;
  put(name: string, bytes: Buffer): void;
  remove(name: string): void;
}

const never = new AbortController().signal;
const app = sampleArchive({ names: ["edge.test/app:1", "app:1"], layerBytes: 600_000 });
const other = sampleArchive({ names: ["edge.test/other:1"] });

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "edge-archives-"));
  folders.push(folder);
  return folder;
}

function linuxFolder(): Folder & { readonly folder: string } {
  const folder = join(newFolder(), "images");
  mkdirSync(folder, { mode: 0o755 });
  const put = (name: string, bytes: Buffer): void => {
    const written = join(folder, ".part");
    writeFileSync(written, bytes, { mode: 0o644 });
    renameSync(written, join(folder, name));
  };
  return { folder, archives: linuxImageArchives(folder), put, remove: (name) => rmSync(join(folder, name)) };
}

function names(archives: ImageArchives, file: ArchiveFile): ReturnType<ImageArchives["imageNames"]> {
  return archives.imageNames(file, never, () => {});
}

function onlyFile(archives: ImageArchives): ArchiveFile {
  return archives.list().files[0] ?? assert.fail("It is listed");
}

async function read(archives: ImageArchives, file: ArchiveFile, onRead: (bytes: number) => void = () => {}) {
  const pieces: Uint8Array[] = [];
  for await (const piece of archives.contents(file, onRead)) pieces.push(piece);
  return Buffer.concat(pieces);
}

function contract(open: () => Folder): void {
  let folder: Folder;
  beforeEach(() => {
    folder = open();
  });

  test("lists archives by name, and as another version once they have changed", () => {
    assert.deepEqual(folder.archives.list(), { files: [], problems: [] });
    folder.put("b.tar", other.bytes);
    folder.put("a.tar", app.bytes);
    const before = folder.archives.list().files;
    assert.deepEqual(
      before.map(({ name, sizeBytes }) => [name, sizeBytes]),
      [
        ["a.tar", app.bytes.length],
        ["b.tar", other.bytes.length],
      ],
    );
    assert.deepEqual(folder.archives.list().files, before);
    folder.put("a.tar", Buffer.alloc(app.bytes.length));
    const [a, b] = folder.archives.list().files;
    assert.notEqual(a?.version, before[0]?.version);
    assert.deepEqual(b, before[1]);
    folder.remove("a.tar");
    assert.deepEqual(folder.archives.list().files, [b]);
  });

  test("names the images of an archive, and gives its bytes", async () => {
    folder.put("app.tar", app.bytes);
    const file = onlyFile(folder.archives);
    assert.deepEqual(await names(folder.archives, file), { ok: true, images: ["app:1", "edge.test/app:1"] });
    let bytes = 0;
    const content = await read(folder.archives, file, (more) => {
      bytes += more;
    });
    assert.ok(content.equals(app.bytes));
    assert.equal(bytes, file.sizeBytes);
  });

  test("says why it cannot name the images of an archive that is damaged or has changed", async () => {
    for (const length of [100, 700, app.bytes.length - 5_000]) {
      folder.put("cut.tar", app.bytes.subarray(0, length));
      const found = await names(folder.archives, onlyFile(folder.archives));
      assert.ok(!found.ok && found.message.length > 0, `${length} bytes`);
    }
    folder.put("cut.tar", app.bytes);
    const old = onlyFile(folder.archives);
    folder.put("cut.tar", other.bytes);
    assert.deepEqual(await names(folder.archives, old), { ok: false, message: "it has changed" });
    await assert.rejects(read(folder.archives, old), /it has changed/);
    folder.remove("cut.tar");
    assert.equal((await names(folder.archives, old)).ok, false);
  });

  test("gives up on an archive when the signal aborts", async () => {
    folder.put("app.tar", app.bytes);
    const stop = new AbortController();
    const found = await folder.archives.imageNames(onlyFile(folder.archives), stop.signal, () => stop.abort());
    assert.equal(found.ok, false);
  });
}

describe("Image archives: in memory", () => contract(fakeImageArchives));

describe("Image archives: a folder on Linux", () => {
  contract(linuxFolder);

  test("reads archives that gzip and Zstandard have packed, whatever they are called", async () => {
    const { archives, put } = linuxFolder();
    const packed = {
      "a.tar.gz": gzipSync(app.bytes),
      "b.tgz": gzipSync(app.bytes),
      "c.tar.zst": zstdCompressSync(app.bytes),
    };
    for (const [name, bytes] of Object.entries({ ...packed, "d.tar": packed["a.tar.gz"] })) put(name, bytes);
    const { files } = archives.list();
    assert.equal(files.length, 4);
    for (const file of files) {
      assert.deepEqual(await names(archives, file), { ok: true, images: ["app:1", "edge.test/app:1"] }, file.name);
      assert.ok((await read(archives, file)).equals(app.bytes), file.name);
    }
    for (const [name, bytes] of Object.entries(packed)) put(name, bytes.subarray(0, bytes.length - 9));
    for (const file of archives.list().files.slice(0, 3)) {
      assert.equal((await names(archives, file)).ok, false, file.name);
      await assert.rejects(read(archives, file), /unexpected end of file/, file.name);
    }
  });

  test("leaves other files and copies under way alone, and has nothing without a folder", () => {
    const { archives, put } = linuxFolder();
    for (const name of [".app.tar.x8Yz", ".app.tar", "app.tar.part", "README"]) put(name, app.bytes);
    assert.deepEqual(archives.list(), { files: [], problems: [] });
    assert.deepEqual(linuxImageArchives("/nonexistent/images").list(), { files: [], problems: [] });
  });

  test("follows a link within the folder and rejects one that leads out", () => {
    const { archives, put, folder } = linuxFolder();
    const outside = join(newFolder(), "app.tar");
    writeFileSync(outside, app.bytes);
    put("app-1.tar", app.bytes);
    symlinkSync("app-1.tar", join(folder, "app.tar"));
    symlinkSync(outside, join(folder, "out.tar"));
    symlinkSync("nothing", join(folder, "gone.tar"));
    mkdirSync(join(folder, "folder.tar"));
    const { files, problems } = archives.list();
    assert.deepEqual(
      files.map(({ name }) => name),
      ["app-1.tar", "app.tar"],
    );
    assert.deepEqual(problems, [
      { name: "folder.tar", message: "it is not a regular file" },
      { name: "out.tar", message: "it is a link that leads out of the folder" },
    ]);
  });

  test("does not use a folder or a file that others may change", (t) => {
    const { archives, put, folder } = linuxFolder();
    put("app.tar", app.bytes);
    put("\u001b[31mred.tar", app.bytes);
    const told = () => archives.list().problems.map(({ name, message }) => `${name}: ${message}`);
    assert.deepEqual(told(), ["\\u001b[31mred.tar: its name has characters that cannot be printed"]);
    chmodSync(join(folder, "app.tar"), 0o666);
    assert.match(told()[1] ?? "", /^app\.tar: .*app\.tar may be changed by users other than root/);
    chmodSync(folder, 0o777);
    assert.deepEqual(archives.list().files, []);
    assert.match(told().join(), /^: .*images may be changed by users other than root/);
    chmodSync(folder, 0o755);
    if (process.getuid?.() !== 0) return t.diagnostic("not root: no file of another user");
    chmodSync(join(folder, "app.tar"), 0o644);
    chownSync(join(folder, "app.tar"), 12_345, 12_345);
    assert.match(told()[1] ?? "", /^app\.tar: /);
  });

  test("uses the first 64 archives of more, and says so", () => {
    const { archives, put } = linuxFolder();
    for (let n = 0; n < 66; n += 1) put(`${n}.tar`, other.bytes);
    assert.equal(archives.list().files.length, 64);
    assert.deepEqual(archives.list().problems, [
      { name: "", message: "the folder has 66 archives; only the first 64 are used" },
    ]);
  });

  test("rejects a packed archive that goes on and on", async () => {
    const { folder, put } = linuxFolder();
    put("app.tar.gz", gzipSync(app.bytes));
    const archives = linuxImageArchives(folder, 300_000);
    const message = "it unpacks to more than 300000 bytes";
    assert.deepEqual(await names(archives, onlyFile(archives)), { ok: false, message });
    await assert.rejects(read(archives, onlyFile(archives)), { message });
  });

  test("rejects a list of images that is too long", async () => {
    const { archives, put } = linuxFolder();
    const long = sampleArchive({ names: Array.from({ length: 60_000 }, (_, n) => `app:${"x".repeat(60)}${n}`) });
    put("long.tar", long.bytes);
    assert.deepEqual(await names(archives, onlyFile(archives)), {
      ok: false,
      message: "its manifest.json is over 4194304 bytes",
    });
  });
});
