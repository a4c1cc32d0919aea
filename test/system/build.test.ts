import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { bundleScript } from "../../scripts/bundle.ts";
import { executableFile, makeExecutable } from "../../scripts/executable.ts";
import { architectures } from "../../scripts/runtimes.ts";
import { bundledPackages } from "../../scripts/sbom.ts";

type Bill = {
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly hashes?: readonly { readonly content: string }[];
    readonly licenses?: readonly unknown[];
    readonly components?: readonly { readonly name: string }[];
  }[];
};

describe("what npm run build has made", () => {
  test("has the sums that are written beside it", () => {
    const run = spawnSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: "dist", encoding: "utf8" });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    const sums = readFileSync("dist/SHA256SUMS", "utf8").trimEnd().split("\n");
    const names = sums.map((line) => line.split("  ")[1]);
    assert.deepEqual(names.sort(), ["edge-linux-arm64", "edge-linux-x64", "edge.mjs", "sbom.cdx.json"]);
  });

  for (const architecture of architectures) {
    test(`${architecture}: the same again, byte for byte`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "edge-build-again-"));
      try {
        const [script, output] = [join(folder, "edge.cjs"), join(folder, "edge")];
        await bundleScript(script);
        makeExecutable(architecture, script, output);
        const sumOf = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");
        assert.equal(sumOf(output), sumOf(executableFile(architecture)));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    test(`${architecture}: asks for no newer glibc and no other libraries than README.md says`, () => {
      const tool = architecture === "x64" ? "x86_64-linux-gnu-readelf" : "aarch64-linux-gnu-readelf";
      const addon = `node_modules/better-sqlite3/prebuilds/linux-${architecture}.node`;
      const said = [executableFile(architecture), addon].map(
        (file) => spawnSync(tool, ["--wide", "--dynamic", "--version-info", file], { encoding: "utf8" }).stdout,
      );
      const all = said.join("\n");
      const versions = [...all.matchAll(/Name: GLIBC_2\.(\d+)/g)].map((found) => Number(found[1]));
      assert.equal(Math.max(...versions), 34);
      const libraries = [...all.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((found) => found[1] ?? "");
      const readme = readFileSync("README.md", "utf8");
      assert.ok(libraries.length >= 6);
      assert.deepEqual(
        libraries.filter((name) => !readme.includes(`\`${name.replace(/(-x86-64|-aarch64)?\.so\.\d+$/, "")}\``)),
        [],
      );
    });
  }

  test("the bill of materials lists what the program holds, and nothing else", async () => {
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
