import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { needsOfTests, needsVariable } from "../../scripts/packages.ts";

/** Runs a module in a process of its own, as no test may import what installs. */
function runModule(code: string, env: NodeJS.ProcessEnv) {
  const args = ["--input-type=module", "-e", code];
  return spawnSync(process.execPath, args, { env: { ...process.env, ...env }, encoding: "utf8", timeout: 60_000 });
}

const installer = JSON.stringify(resolve("scripts/installer.ts"));
const packages = JSON.stringify(resolve("scripts/packages.ts"));
const codename = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";

describe("Debian packages of a test run", () => {
  test("are limited to those that the chosen test files use", () => {
    assert.deepEqual(needsOfTests(["test/unit/core/pod/a.test.ts"]), []);
    assert.deepEqual(needsOfTests(["test/simulation/a.test.ts", "test/unit/core/a.test.ts"]), ["certificates"]);
    assert.ok(needsOfTests(["test/system/arm64.test.ts"]).includes("emulator"));
  });

  test("are hidden from a test file that the table does not name, although they are installed", () => {
    const code = `import { requirePackages } from ${packages}; requirePackages("certificates");`;
    const { status, stderr } = runModule(code, { [needsVariable]: "engine images" });
    assert.equal(status, 1);
    assert.match(stderr, /scripts\/packages\.ts does not name this test file under "certificates"/);
    assert.equal(runModule(code, { [needsVariable]: "engine certificates" }).status, 0);
  });

  test("are not installed after the run has started", () => {
    const code = `import { install } from ${installer};
      install([{ missing: () => "into nowhere: something", install: () => console.log("installed") }], console.log);`;
    const { status, stdout, stderr } = runModule(code, { [needsVariable]: "" });
    assert.deepEqual([status, stdout], [1, "Will install into nowhere: something\n"]);
    assert.match(stderr, /A test run installs nothing/);
    assert.match(runModule(code, { [needsVariable]: undefined }).stdout, /^installed$/m);
  });
});

test("the Debian archive is the mirror in apt's configuration, not another archive of the same release", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "edge-apt-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["lists/partial", "parts"]) mkdirSync(join(folder, name), { recursive: true });
  const config = [
    `Dir::Etc::SourceList "${folder}/none";`,
    `Dir::Etc::SourceParts "${folder}/parts";`,
    `Dir::State::Lists "${folder}/lists";`,
    `Dir::Cache "${folder}";`,
  ];
  writeFileSync(join(folder, "apt.conf"), config.join("\n"));
  writeFileSync(join(folder, "parts/a.list"), `deb http://other.test ${codename} main\n`);
  const source = [
    "Types: deb",
    "URIs: https://mirror.test/pub/debian",
    "Suites: stable stable-updates",
    "Components: main",
  ];
  writeFileSync(join(folder, "parts/b.sources"), `${source.join("\n")}\n`);
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const list = (place: string, origin: string, name: string): void => {
    const release = [
      `Origin: ${origin}`,
      `Label: ${origin}`,
      `Codename: ${name}`,
      "Date: Sat, 17 May 2025 09:00:00 UTC",
    ];
    const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const sums = ["SHA256:", ` ${empty} 0 main/binary-${architecture}/Packages`];
    const text = [...release, `Architectures: ${architecture}`, "Components: main", ...sums, ""].join("\n");
    writeFileSync(join(folder, "lists", `${place}_Release`), text);
    writeFileSync(join(folder, "lists", `${place}_main_binary-${architecture}_Packages`), "");
  };
  list(`other.test_dists_${codename}`, "Other", codename);
  list("mirror.test_pub_debian_dists_stable-updates", "Debian", `${codename}-updates`);
  list("mirror.test_pub_debian_dists_stable", "Debian", codename);
  const code = `import { debianArchive } from ${installer}; console.log(debianArchive());`;
  const { stdout, stderr } = runModule(code, { APT_CONFIG: join(folder, "apt.conf") });
  assert.equal(stdout, "https://mirror.test/pub/debian/\n", stderr);
});
