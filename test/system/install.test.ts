import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { requirePackages } from "../../scripts/packages.ts";
import { factoryFiles as factoryFolder } from "../../src/linux/factory-files.ts";
import { linuxImageArchives } from "../../src/linux/image-archives.ts";
import { unitText } from "../../src/linux/install/unit.ts";
import { sampleArchive } from "../samples/image-archive.ts";
import { factoryPod } from "../samples/messages.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-install-"));
const config = "etc/edge/edge.config.json";
/** The manual page, and what completes the program in each shell. */
const help = [
  "usr/local/share/man/man1/edge.1",
  "usr/local/share/bash-completion/completions/edge",
  "usr/local/share/zsh/site-functions/_edge",
  "usr/local/share/fish/vendor_completions.d/edge.fish",
];
const address = "wss://center.example:443/websocket/{serialNumber}/events";
after(() => rmSync(folder, { recursive: true }));

/** A factory pod and the archive of its image, as a device maker has them. */
const podFile = join(folder, "web.json");
const archiveFile = join(folder, "app.tar");
const factoryFiles = ["--pod", podFile, "--image", archiveFile];
writeFileSync(podFile, JSON.stringify(factoryPod("web")));
writeFileSync(archiveFile, sampleArchive({ names: ["edge.test/app:1"] }).bytes);

/** The little of a system that an image must have. */
function image(name: string, programs: readonly string[] = ["systemd-notify", "node"]): string {
  const root = join(folder, name);
  for (const path of ["etc", "usr/bin"]) mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, "etc/group"), "root:x:0:\nadm:x:4:\n");
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  for (const program of programs) writeFileSync(join(root, "usr/bin", program), "", { mode: 0o755 });
  return root;
}

/** With the umask of a careful root. */
function edge(...args: readonly string[]) {
  const run = `umask 077; exec "$0" dist/edge.mjs "$@"`;
  const { status, stdout, stderr } = spawnSync("sh", ["-c", run, process.execPath, ...args], {
    encoding: "utf8",
    timeout: 120_000,
  });
  return { code: status, stdout, stderr };
}

/** Every path below a folder with its mode and group. */
function tree(root: string): readonly string[] {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return names.map((name) => {
    const { mode, gid, mtimeMs } = statSync(join(root, name), { throwIfNoEntry: false }) ?? {
      mode: 0,
      gid: 0,
      mtimeMs: 0,
    };
    return `${name} ${(mode & 0o7777).toString(8)} ${gid} ${mtimeMs}`;
  });
}

function modeOf(root: string, path: string): string {
  const { mode, uid, gid } = statSync(join(root, path));
  const group = readFileSync(join(root, "etc/group"), "utf8")
    .split("\n")
    .find((line) => line.split(":")[2] === String(gid));
  return `${(mode & 0o7777).toString(8)} ${uid} ${group?.split(":")[0]}`;
}

describe("edge install into an image", { skip: process.getuid?.() === 0 ? false : "it makes files for root" }, () => {
  const root = image("whole");

  test("edge install --dry-run prints every step and does nothing", () => {
    const before = tree(root);
    const { code, stdout } = edge("install", "--root", root, "--dry-run", "--json");
    assert.equal(code, 0);
    const { dryRun, steps } = JSON.parse(stdout);
    assert.equal(dryRun, true);
    assert.deepEqual(new Set(steps.map(({ state }: { readonly state: string }) => state)), new Set(["would create"]));
    assert.deepEqual(tree(root), before);
  });

  test("an unusable address, image or folder is rejected, and nothing is created", () => {
    const before = tree(root);
    const wrong = edge("install", "--root", root, "--center", "http://foo");
    assert.equal(wrong.code, 2);
    assert.equal(
      wrong.stderr,
      'center.url is "http://foo"; expected a wss:// address, or ws:// of a loopback address\n',
    );
    assert.deepEqual(tree(root), before);
    const bare = mkdtempSync(join(folder, "bare-"));
    const lacking = edge("install", "--root", bare, "--dry-run");
    assert.equal(lacking.code, 2);
    assert.match(lacking.stderr, /^\S+ has no etc\/group and no etc\/passwd, [^\n]+\n$/);
    const nowhere = edge("uninstall", "--root", join(folder, "nowhere"));
    assert.deepEqual([nowhere.code, nowhere.stderr], [2, `There is no folder ${join(folder, "nowhere")}\n`]);
  });

  test("edge install creates program, group, folders, configuration and unit with their modes, and enables the unit", () => {
    const { code, stdout, stderr } = edge("install", "--root", root, "--center", address);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stdout, /To do/);
    assert.doesNotMatch(stdout, new RegExp(root), "paths are those of the image");
    assert.match(stdout, /^created {8}file \/usr\/local\/bin\/edge, mode 0755$/m);
    assert.deepEqual(readFileSync(join(root, "usr/local/bin/edge")), readFileSync("dist/edge.mjs"));
    const modes = [
      "usr/local/bin/edge",
      "etc/edge",
      config,
      "var/lib/edge",
      "var/lib/edge/pods",
      "etc/systemd/system/edge.service",
    ];
    assert.deepEqual(
      modes.map((path) => modeOf(root, path)),
      ["755 0 root", "755 0 root", "640 0 edge", "750 0 edge", "700 0 root", "644 0 root"],
    );
    assert.equal(
      readlinkSync(join(root, "etc/systemd/system/multi-user.target.wants/edge.service")),
      "/etc/systemd/system/edge.service",
    );
    const written = JSON.parse(readFileSync(join(root, config), "utf8"));
    assert.deepEqual(written, {
      node: { name: "{serialNumber}", serialNumber: "{serialNumber}" },
      center: { url: address },
    });
  });

  test("edge install adds the manual page and the completions, which everybody may read", () => {
    assert.equal(readFileSync(join(root, help[0] ?? ""), "utf8"), readFileSync("docs/edge.1", "utf8"));
    for (const path of help) assert.equal(modeOf(root, path), "644 0 root", path);
    assert.equal(modeOf(root, "usr/local/share/man/man1"), "755 0 root");
    const { status, stderr } = spawnSync("bash", ["-n", join(root, help[1] ?? "")], { encoding: "utf8" });
    assert.deepEqual([status, stderr], [0, ""]);
  });

  test("edge install changes nothing the second time", () => {
    const before = tree(root);
    const { code, stdout } = edge("install", "--root", root, "--json");
    assert.equal(code, 0);
    const states = JSON.parse(stdout).steps.map(({ state }: { readonly state: string }) => state);
    assert.deepEqual(new Set(states), new Set(["unchanged"]));
    assert.deepEqual(tree(root), before);
  });

  test("edge install --pod --image puts factory pods and archives into the image, where an agent trusts them", () => {
    assert.equal(modeOf(root, "etc/edge/pods.d"), "755 0 root", "the folder is there without pods, too");
    const { code, stdout, stderr } = edge("install", "--root", root, ...factoryFiles, "--json");
    assert.equal(code, 0, stderr);
    const changed = JSON.parse(stdout).steps.filter(({ state }: { readonly state: string }) => state !== "unchanged");
    assert.deepEqual(changed, [
      { what: "folder /var/lib/edge/images, mode 0755", state: "created" },
      { what: "file /var/lib/edge/images/app.tar, mode 0600", state: "created" },
      { what: "file /etc/edge/pods.d/web.json, mode 0644", state: "created" },
    ]);
    const [pods, images] = [join(root, "etc/edge/pods.d"), join(root, "var/lib/edge/images")];
    const looked = factoryFolder(pods).look();
    assert.deepEqual(looked.kind === "read" ? [...looked.files.keys()] : looked, ["web.json"]);
    const { files, problems } = linuxImageArchives(images).list();
    assert.deepEqual([files.map(({ name }) => name), problems], [["app.tar"], []]);
    assert.deepEqual([readdirSync(pods), readdirSync(images)], [["web.json"], ["app.tar"]], "no hidden copy is left");
    const before = tree(root);
    assert.doesNotMatch(edge("install", "--root", root, ...factoryFiles).stdout, /created/);
    assert.deepEqual(tree(root), before);
    writeFileSync(archiveFile, sampleArchive({ names: ["edge.test/ppa:1"] }).bytes);
    const again = edge("install", "--root", root, ...factoryFiles).stdout.split("\n");
    const replaced = again.filter((line) => line.startsWith("created"));
    assert.deepEqual(replaced, ["created        file /var/lib/edge/images/app.tar, mode 0600"]);
    assert.deepEqual(readFileSync(join(images, "app.tar")), readFileSync(archiveFile));
  });

  test("edge install puts nothing into an image if a pod or an archive is refused", () => {
    const other = image("refused");
    const before = tree(other);
    const wrong = join(folder, "wrong.yaml");
    writeFileSync(wrong, "kind: Deployment\nmetadata: { name: web }\n");
    const { code, stdout, stderr } = edge("install", "--root", other, ...factoryFiles, wrong);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /wrong\.yaml cannot be used: the name of an archive ends in/);
    const pod = edge("install", "--root", other, "--pod", wrong);
    assert.equal(pod.code, 1);
    assert.match(pod.stderr, /✗ kind Deployment is not supported; only Pod is/);
    assert.deepEqual(tree(other), before);
  });

  test("edge install never overwrites a configuration, and stops if it is invalid", () => {
    const own = JSON.stringify({
      node: { name: "mine" },
      center: { url: address },
      data: { dir: "/srv/edge" },
      local: { podsDir: "/srv/factory" },
    });
    writeFileSync(join(root, config), own);
    rmSync(join(root, "usr/local/bin/edge"));
    const { code: fine, stdout } = edge("install", "--root", root, "--center", "wss://other.example");
    assert.equal(fine, 0);
    assert.match(stdout, /^Note: wss:\/\/other\.example was ignored, because there is a configuration/m);
    assert.equal(readFileSync(join(root, config), "utf8"), own);
    assert.equal(modeOf(root, "srv/edge"), "750 0 edge", "its data folder is made where it says");
    writeFileSync(join(root, config), own.replace('"dir"', '"folder"'));
    rmSync(join(root, "usr/local/bin/edge"));
    const { code, stderr } = edge("install", "--root", root);
    assert.equal(code, 2);
    assert.match(stderr, /unknown key "data\.folder"/);
    assert.equal(existsSync(join(root, "usr/local/bin/edge")), false);
    writeFileSync(join(root, config), own);
  });

  test("edge uninstall removes service and program, and pods, data and configuration only with --purge", () => {
    assert.equal(edge("install", "--root", root).code, 0);
    const dry = edge("uninstall", "--root", root, "--purge", "--dry-run");
    assert.deepEqual([dry.code, existsSync(join(root, "etc/systemd/system/edge.service"))], [0, true]);
    const { code, stdout } = edge("uninstall", "--root", root);
    assert.equal(code, 0);
    assert.match(stdout, /Kept: running pods, \/srv\/edge, \/etc\/edge/);
    for (const path of [
      "usr/local/bin/edge",
      "etc/systemd/system/edge.service",
      "etc/systemd/system/multi-user.target.wants/edge.service",
      ...help,
    ])
      assert.equal(existsSync(join(root, path)), false, path);
    assert.equal(edge("install", "--root", root, ...factoryFiles).code, 0);
    for (const path of [config, "srv/edge/images/app.tar", "srv/factory/web.json"])
      assert.equal(existsSync(join(root, path)), true, path);
    assert.equal(edge("uninstall", "--root", root, "--purge").code, 0);
    for (const path of ["etc/edge", "srv/edge", "srv/factory"]) assert.equal(existsSync(join(root, path)), false, path);
    assert.equal(edge("uninstall", "--root", root, "--purge").code, 0, "twice is fine");
  });

  test("edge install names what is missing: a center, systemd-notify, a Node for the script", () => {
    const bare = image("bare", []);
    const { code, stdout } = edge("install", "--root", bare);
    assert.equal(code, 0);
    assert.match(stdout, /To do: write the center's address into \/etc\/edge\/edge\.config\.json, center\.url/);
    assert.match(stdout, /Note: systemd-notify is missing/);
    assert.match(stdout, /To do: this program needs Node 24/);
    const unit = readFileSync(join(bare, "etc/systemd/system/edge.service"), "utf8");
    assert.match(unit, /^Type=exec$/m);
    assert.doesNotMatch(unit, /Watchdog/);
    assert.equal(edge("install", "--root", bare).code, 0, "what is to do does not refuse a second time");
    assert.equal(edge("install", "--root", join(folder, "nowhere")).code, 2);
  });
});

describe("the systemd unit", () => {
  for (const canNotify of [true, false]) {
    test(`is one that systemd understands${canNotify ? "" : ", without systemd-notify"}`, () => {
      requirePackages("systemd");
      const place = mkdtempSync(join(folder, "unit-"));
      const program = join(place, "edge");
      writeFileSync(program, "");
      chmodSync(program, 0o755);
      const file = join(place, "edge.service");
      writeFileSync(file, unitText({ program, config: "/etc/edge/edge.config.json", canNotify }));
      const verify = () =>
        spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8", timeout: 120_000 });
      const { status, stderr } = verify();
      // Other units of the machine may be told of, too.
      assert.deepEqual([status, stderr.split("\n").filter((line) => line.includes("edge.service"))], [0, []]);
      writeFileSync(file, readFileSync(file, "utf8").replace("OOMScoreAdjust", "OOMScoreAdjusted"));
      assert.match(verify().stderr, /edge\.service:\d+: Unknown key (?:name )?'OOMScoreAdjusted'/);
    });
  }

  test("gives the agent no mount namespace of its own", () => {
    const unit = unitText({ program: "/usr/local/bin/edge", config: "/etc/edge/edge.config.json", canNotify: true });
    assert.match(unit, /^LimitCORE=0$/m);
    // systemd.exec(5): what is carried out with a file system namespace.
    const hiding =
      /^(Protect|Private|ReadOnly|ReadWrite|Inaccessible|Bind|Temporary|Root|Mount|DynamicUser|RuntimeDirectory|LogNamespace)/m;
    assert.doesNotMatch(unit, hiding);
  });
});
