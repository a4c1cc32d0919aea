import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import { oldestLibraries } from "../../scripts/addon.ts";
import { bundleScript } from "../../scripts/bundle.ts";
import { isNewer, newestVersions } from "../../scripts/elf.ts";
import { executableFile, makeExecutable } from "../../scripts/executable.ts";
import { architectures } from "../../scripts/runtimes.ts";
import { bundledPackages } from "../../scripts/sbom.ts";
import { sandboxPrograms } from "../../src/docker/sandbox-program.ts";

const taken = mkdtempSync(join(tmpdir(), "edge-build-elf-"));
after(() => rmSync(taken, { recursive: true }));

/** An ELF file on its own, so that a tool can read it. */
function kept(bytes: Buffer): string {
  const file = join(taken, createHash("sha256").update(bytes).digest("hex"));
  writeFileSync(file, bytes);
  return file;
}

/** The shared object that an executable carries: SQLite's addon. What follows it does not matter to a reader. */
function embeddedIn(executable: string): string {
  const bytes = readFileSync(executable);
  const [magic, sharedObject] = [Buffer.from("\x7fELF\x02\x01\x01", "latin1"), 3];
  for (let at = bytes.indexOf(magic, 1); at !== -1; at = bytes.indexOf(magic, at + 1)) {
    if (bytes.readUInt16LE(at + 16) === sharedObject) return kept(bytes.subarray(at));
  }
  return assert.fail(`No shared object in ${executable}`);
}

function addonsInBundle(): readonly string[] {
  const texts = readFileSync("dist/edge.mjs", "utf8").matchAll(/(?:x64|arm64):"([A-Za-z0-9+/=]{99999,})"/g);
  return [...texts].map(([, text = ""]) => kept(brotliDecompressSync(Buffer.from(text, "base64"))));
}

type Bill = {
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly hashes?: readonly { readonly content: string }[];
    readonly licenses?: readonly unknown[];
    readonly components?: readonly { readonly name: string }[];
  }[];
};

describe("the output of npm run build", () => {
  test("has the published checksums", () => {
    const run = spawnSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: "dist", encoding: "utf8" });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    const sums = readFileSync("dist/SHA256SUMS", "utf8").trimEnd().split("\n");
    const names = sums.map((line) => line.split("  ")[1]);
    assert.deepEqual(names.sort(), ["edge-linux-arm64", "edge-linux-x64", "edge.mjs", "sbom.cdx.json"]);
  });

  for (const architecture of architectures) {
    test(`is identical when built again (${architecture})`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "edge-build-again-"));
      try {
        const [script, output] = [join(folder, "edge.cjs"), join(folder, "edge")];
        await bundleScript(script);
        await makeExecutable(architecture, script, output);
        const sumOf = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");
        assert.equal(sumOf(output), sumOf(executableFile(architecture)));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    test(`needs only the libraries that installation.md lists (${architecture})`, () => {
      const document = readFileSync("docs/installation.md", "utf8");
      const files = [executableFile(architecture), embeddedIn(executableFile(architecture))];
      const libraries = files.flatMap((file) => {
        const { stdout } = spawnSync("readelf", ["--wide", "--dynamic", file], { encoding: "utf8" });
        return [...stdout.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((found) => found[1] ?? "");
      });
      assert.ok(libraries.length >= 6);
      assert.deepEqual(
        libraries.filter((name) => !document.includes(`\`${name.replace(/(-x86-64|-aarch64)?\.so\.\d+$/, "")}\``)),
        [],
      );
    });
  }

  test("needs at most glibc 2.28 and GCC 7 in every ELF file", async () => {
    const sandboxes = Object.values(sandboxPrograms).map((program) => kept(Buffer.from(program, "base64")));
    const executables = architectures.map(executableFile);
    const files = [...executables, ...executables.map(embeddedIn), ...addonsInBundle(), ...sandboxes];
    assert.equal(files.length, 8);
    for (const file of files) {
      const versions = await newestVersions(file);
      assert.equal(Object.keys(versions).length > 0, !sandboxes.includes(file), `${file} names no library`);
      for (const [library, version] of Object.entries(versions)) {
        const oldest = { ...oldestLibraries, GCC: "7.0.0" }[library] ?? assert.fail(`${file} needs ${library}`);
        assert.ok(!isNewer(version, oldest), `${file} needs ${library}_${version}, a device may have ${oldest}`);
      }
    }
  });

  test("has a bill of materials with exactly its packages", async () => {
    const { components } = JSON.parse(readFileSync("dist/sbom.cdx.json", "utf8")) as Bill;
    const names = components.map(({ name }) => name);
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: object };
    for (const name of [...Object.keys(dependencies), "docker-modem", "node"]) assert.ok(names.includes(name), name);
    for (const name of ["ssh2", "protobufjs", "esbuild", "typescript"]) assert.ok(!names.includes(name), name);
    const folder = mkdtempSync(join(tmpdir(), "edge-build-again-"));
    try {
      const bundled = bundledPackages(await bundleScript(join(folder, "edge.cjs")));
      assert.equal(components.length, bundled.length + 1);
    } finally {
      rmSync(folder, { recursive: true });
    }
    for (const { name, version, hashes, licenses } of components.filter((one) => one.name !== "node")) {
      assert.match(version, /^\d+\.\d+/, name);
      assert.match(hashes?.[0]?.content ?? "", /^[0-9a-f]{128}$/, name);
      assert.equal(licenses?.length, 1, name);
    }
    const parts = components.flatMap((component) => component.components ?? []).map(({ name }) => name);
    for (const name of ["openssl", "v8", "sqlite"]) assert.ok(parts.includes(name), name);
  });
});
