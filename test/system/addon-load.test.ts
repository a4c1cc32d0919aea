import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { executableFile } from "../../scripts/executable.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-no-start-"));
const built = executableFile("x64");
const config = join(folder, "edge.config.json");
const commands = ["run", "status"] as const;
after(() => rmSync(folder, { recursive: true }));

writeFileSync(
  config,
  JSON.stringify({
    node: { name: "edge-1" },
    center: { url: "ws://127.0.0.1:1/" },
    data: { dir: join(folder, "data"), runDir: join(folder, "run") },
  }),
);

function spoken(program: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 60_000 });
  return { code: status, said: (stdout + stderr).trim() };
}

describe("a device on which SQLite's native code does not load", {
  skip: process.arch === "x64" ? false : "x64 only",
}, () => {
  // As ld.so sees an older system: a version that no libc here has, asked for by SQLite alone.
  const older = join(folder, "edge");
  const bytes = readFileSync(built);
  // Node's own needs come before what it carries.
  bytes.write("GLIBC_2.99", bytes.lastIndexOf("GLIBC_2.28"));
  writeFileSync(older, bytes);
  chmodSync(older, 0o755);

  for (const command of commands) {
    test(`edge ${command} on an older glibc prints the required version in one line`, () => {
      const { code, said } = spoken(older, command, "--config", config);
      assert.equal(code, 1);
      assert.match(said, /^Cannot load SQLite: it needs glibc 2\.28 or later.*this machine lacks GLIBC_2\.99$/);
    });
  }

  test("edge doctor names it among its findings", () => {
    const { code, said } = spoken(older, "doctor", "--json", "--config", config);
    assert.equal(code, 1);
    const [first] = JSON.parse(said).checks;
    assert.deepEqual([first.check, first.state], ["program", "failure"]);
    assert.match(first.message, /GLIBC_2\.99/);
  });

  for (const command of commands) {
    const skip = process.getuid?.() === 0 ? false : "only root mounts";
    test(`edge ${command} reports folders that are all mounted noexec in one line`, { skip }, () => {
      const own = mkdtempSync(join(folder, "tmp-"));
      const mounts = ["/dev/shm", "/run", own, "/var/tmp"].map((place) => `mount -t tmpfs -o noexec none ${place}`);
      const script = `${mounts.join(" && ")} && TMPDIR=${own} exec ${join(process.cwd(), built)} ${command} --config ${config}`;
      const { code, said } = spoken("unshare", "--mount", "sh", "-c", script);
      assert.equal(code, 1);
      assert.match(
        said,
        /^Cannot load SQLite: .*\/dev\/shm, \/run, .*, \/var\/tmp .*noexec, or name another folder in TMPDIR$/,
      );
    });
  }
});
