import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, it } from "node:test";
import { extract } from "tar-stream";
import { readText, waitUntil } from "../../../scripts/processes.ts";
import { compileSandbox, sandboxProgramFile, sandboxProgramSource } from "../../../scripts/sandbox-image.ts";
import { sandboxImage } from "../../../src/docker/sandbox-image.ts";
import { sandboxPrograms } from "../../../src/docker/sandbox-program.ts";

interface File {
  readonly mode: number | undefined;
  readonly content: Buffer;
}

async function filesOf(archive: Buffer): Promise<Readonly<Record<string, File>>> {
  const files: Record<string, File> = {};
  for await (const entry of Readable.from([archive]).pipe(extract())) {
    const { name, mode, uid, gid, mtime, type } = entry.header;
    assert.deepEqual([uid, gid, mtime?.getTime(), type], [0, 0, 0, "file"], name);
    files[name] = { mode, content: await buffer(entry as unknown as Readable) };
  }
  return files;
}

const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

describe("the sandbox image", () => {
  it("contains the compiled source for every architecture", () => {
    const compiled = compileSandbox();
    assert.deepEqual(Object.keys(compiled), Object.keys(sandboxPrograms));
    assert.equal(readFileSync(sandboxProgramFile, "utf8"), sandboxProgramSource(compiled));
    for (const program of Object.values(compiled)) assert.ok(program.length < 1024, `${program.length} bytes`);
  });

  for (const [architecture, machine, id] of [
    ["amd64", 62, "sha256:8f249970af128d09825f9214cdf9aa136b021f7f2fce9920b4ec09cbaf83896f"],
    ["arm64", 183, "sha256:1a7322a37e88386d29a1e65ea485231710a500192f7b2e162b245141957a0f3b"],
  ] as const) {
    it(`for ${architecture} is an archive that an engine loads under an id known beforehand`, async () => {
      const image = sandboxImage(architecture) ?? assert.fail();
      assert.equal(image.id, id);
      const files = await filesOf(image.archive);
      const config = `${image.id.slice("sha256:".length)}.json`;
      assert.deepEqual(Object.keys(files), [config, "layer.tar", "manifest.json"]);
      const content = files[config]?.content ?? assert.fail();
      const layer = files["layer.tar"]?.content ?? assert.fail();
      assert.equal(`sha256:${sha256(content)}`, image.id);
      const said = JSON.parse(content.toString());
      assert.deepEqual(said.config, { User: "65535:65535", Entrypoint: ["/pause"] });
      assert.deepEqual(
        [said.architecture, said.created, said.rootfs.diff_ids],
        [architecture, "1970-01-01T00:00:00Z", [`sha256:${sha256(layer)}`]],
      );
      assert.deepEqual(JSON.parse(files["manifest.json"]?.content.toString() ?? ""), [
        { Config: config, RepoTags: [image.tag], Layers: ["layer.tar"] },
      ]);
      assert.match(image.tag, /^edge\.invalid\/sandbox:[0-9a-f]{12}$/);
      const inside = await filesOf(layer);
      assert.deepEqual(Object.keys(inside), ["pause"]);
      assert.equal(inside["pause"]?.mode, 0o755);
      assert.equal(inside["pause"]?.content.readUInt16LE(18), machine, "the ELF header's machine");
      assert.deepEqual(sandboxImage(architecture), image);
    });
  }

  it("does not exist for another architecture", () => {
    for (const architecture of ["arm", "riscv64", "", "toString"]) assert.equal(sandboxImage(architecture), null);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`ends with 0 on ${signal}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "edge-pause-"));
      try {
        const file = join(folder, "pause");
        const architecture = process.arch === "arm64" ? "arm64" : "amd64";
        writeFileSync(file, Buffer.from(sandboxPrograms[architecture] ?? "", "base64"));
        chmodSync(file, 0o755);
        const child = spawn(file);
        await once(child, "spawn");
        const sleeps = () => /^State:\s*S/m.test(readText(`/proc/${child.pid}/status`) ?? "");
        assert.ok(await waitUntil(sleeps, 10_000), "It waits for signals");
        // A child that ends must not end it.
        child.kill("SIGCHLD");
        child.kill(signal);
        const [code] = await once(child, "exit");
        assert.equal(code, 0);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
