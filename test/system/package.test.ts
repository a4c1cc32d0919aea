import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
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
import { after, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { executableFile } from "../../scripts/executable.ts";
import { makePackage, type PackageOptions, packageFile } from "../../scripts/package.ts";
import { parseConfig } from "../../src/core/config/config.ts";
import { unitText } from "../../src/linux/install/unit.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-deb-"));
after(() => rmSync(folder, { recursive: true }));

/** Beside the test of one real program, a few bytes are enough of one. */
const small = join(folder, "small");
writeFileSync(small, "#!/bin/sh\necho small\n");

function options(change: Partial<PackageOptions> = {}): PackageOptions {
  const maintainer = "Some Body <some.body@edge.example>";
  const usual = { architecture: "arm64", program: small, version: "1.2.3", maintainer, epoch: 1_700_000_000 } as const;
  return { ...usual, compression: "gzip", ...change };
}

function tool(program: string, ...args: readonly string[]): string {
  const run = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

function made(name: string, change: Partial<PackageOptions> = {}): string {
  const file = join(folder, name);
  makePackage(options(change), file);
  return file;
}

/** A root with this machine's programs, and folders and a group of its own. */
function emptyRoot(name: string): string {
  const root = join(folder, name);
  for (const path of ["etc/edge", "usr", "proc", "dev", "tmp", "run", "var/lib"])
    mkdirSync(join(root, path), { recursive: true });
  for (const path of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${path}`, join(root, path));
  writeFileSync(join(root, "etc/group"), "root:x:0:\nedge:x:990:\n");
  writeFileSync(join(root, "etc/edge/edge.config.json"), "{}");
  writeFileSync(join(root, "dev/null"), "");
  return root;
}

/** A script of the package as dpkg runs it, in that root; what it printed. */
function runScript(root: string, script: string, ...args: readonly string[]): string {
  const mounts = 'mount --rbind /usr "$1/usr" && mount --rbind /proc "$1/proc" && mount --bind /dev/null "$1/dev/null"';
  const text = readFileSync(join("scripts/package", script), "utf8");
  return tool(
    "unshare",
    "--mount",
    "sh",
    "-c",
    `${mounts} && exec chroot "$@"`,
    "sh",
    root,
    "sh",
    "-c",
    text,
    script,
    ...args,
  );
}

describe("a Debian package", () => {
  test("names version, architecture and what it needs", () => {
    const file = made("named.deb");
    const field = (name: string): string => tool("dpkg-deb", "--field", file, name).trim();
    assert.deepEqual(["Package", "Version", "Architecture"].map(field), ["edge", "1.2.3", "arm64"]);
    assert.match(field("Depends"), /libc6 \(>= 2\.28\)/);
    assert.equal(packageFile({ architecture: "x64", version: "1.2.3" }), "dist/edge_1.2.3_amd64.deb");
  });

  test("holds program, unit, manual, documents and configuration, all of root's", () => {
    const file = made("listed.deb");
    const lines = tool("dpkg-deb", "--contents", file).trimEnd().split("\n");
    assert.ok(lines.every((line) => line.includes(" root/root ")));
    const files = lines.filter((line) => line.startsWith("-")).map((line) => line.split(/\s+/));
    assert.deepEqual(
      files.map(([mode, , , , , path]) => `${mode} ${path}`),
      [
        "-rw-r----- ./etc/edge/edge.config.json",
        "-rw-r--r-- ./lib/systemd/system/edge.service",
        "-rwxr-xr-x ./usr/bin/edge",
        "-rw-r--r-- ./usr/share/bash-completion/completions/edge",
        "-rw-r--r-- ./usr/share/doc/edge/CHANGELOG.md.gz",
        "-rw-r--r-- ./usr/share/doc/edge/changelog.gz",
        "-rw-r--r-- ./usr/share/doc/edge/copyright",
        "-rw-r--r-- ./usr/share/doc/edge/sbom.cdx.json.gz",
        "-rw-r--r-- ./usr/share/fish/vendor_completions.d/edge.fish",
        "-rw-r--r-- ./usr/share/lintian/overrides/edge",
        "-rw-r--r-- ./usr/share/man/man1/edge.1.gz",
        "-rw-r--r-- ./usr/share/zsh/vendor-completions/_edge",
      ],
    );
    const unpacked = join(folder, "unpacked");
    tool("dpkg-deb", "--raw-extract", file, unpacked);
    const text = (path: string): string => readFileSync(join(unpacked, path), "utf8");
    const config = "/etc/edge/edge.config.json";
    assert.equal(
      text("lib/systemd/system/edge.service"),
      unitText({ program: "/usr/bin/edge", config, canNotify: true }),
    );
    assert.equal(text("DEBIAN/conffiles"), `${config}\n`);
    const parsed = parseConfig(JSON.parse(text(config)), { strict: true, serialNumber: () => "1" });
    assert.deepEqual(parsed.ok ? [] : parsed.violations.map(({ path }) => path), []);
    const manual = gunzipSync(readFileSync(join(unpacked, "usr/share/man/man1/edge.1.gz")));
    assert.ok(manual.equals(readFileSync("docs/edge.1")));
    assert.match(text("usr/share/bash-completion/completions/edge"), /complete .*edge/);
    tool("sh", "-c", 'cd "$1" && md5sum --check --strict --quiet DEBIAN/md5sums', "sh", unpacked);
    for (const script of ["postinst", "prerm", "postrm"]) tool("sh", "-n", join(unpacked, "DEBIAN", script));
  });

  test("has the same bytes whenever it is made", () => {
    const sums = ["a.deb", "b.deb"].map((name) =>
      createHash("sha256")
        .update(readFileSync(made(name)))
        .digest("hex"),
    );
    assert.equal(sums[0], sums[1]);
  });

  test("has folders for factory pods and images, which a removal keeps and a purge removes", {
    skip: process.getuid?.() === 0 ? false : "needs root",
  }, () => {
    const root = emptyRoot("device");
    const places = ["etc/edge/pods.d", "var/lib/edge/images"].map((path) => join(root, path));
    const modes = (): readonly (number | null)[] =>
      places.map((path) => (existsSync(path) ? statSync(path).mode & 0o777 : null));
    runScript(root, "postinst", "configure");
    assert.deepEqual(modes(), [0o755, 0o755]);
    rmSync(join(root, "var/lib/edge/images"), { recursive: true });
    mkdirSync(join(root, "var/lib/edge/images"), { mode: 0o700 });
    runScript(root, "postinst", "configure", "1.2.2");
    runScript(root, "postrm", "remove");
    assert.deepEqual(modes(), [0o755, 0o700], "an upgrade changes nothing about them");
    // As prerm leaves it.
    const kept = join(root, "var/lib/edge/purge");
    mkdirSync(kept);
    copyFileSync(executableFile(process.arch === "arm64" ? "arm64" : "x64"), join(kept, "edge"));
    writeFileSync(join(kept, "edge.config.json"), JSON.stringify({ node: { name: "edge-1" }, center: { url: "" } }));
    assert.match(runScript(root, "postrm", "purge"), /^removed .*\/var\/lib\/edge$/m, "by edge uninstall --purge");
    assert.deepEqual(modes(), [null, null]);
  });

  test("unpacks the executable of npm run build as it is", () => {
    const architecture = process.arch === "arm64" ? "arm64" : "x64";
    const program = executableFile(architecture);
    const file = made("real.deb", { architecture, program, compression: "none" });
    const unpacked = join(folder, "real");
    tool("dpkg-deb", "--extract", file, unpacked);
    assert.ok(readFileSync(join(unpacked, "usr/bin/edge")).equals(readFileSync(program)));
    assert.match(tool(join(unpacked, "usr/bin/edge"), "--version"), /^\d+\.\d+\.\d+/);
  });
});
