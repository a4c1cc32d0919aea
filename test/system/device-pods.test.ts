import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stringify } from "yaml";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { podContent } from "../samples/messages.ts";
import { createSite } from "./harness.ts";
import { podsDirOf } from "./site-files.ts";

const site = createSite(sharedEngine(), { center: { url: "" } });
const podsDir = podsDirOf(site);

/** A shell ignores SIGTERM where it does not handle it. */
const runsUntilStopped = "trap 'exit 0' TERM\nwhile :; do sleep 1 & wait $!; done";

/** A Pod as somebody on the device writes it, whose program runs until it is stopped. */
function pod(name: string, { image = "edge.test/busybox:1", script = runsUntilStopped, port = 0 } = {}): string {
  const content = podContent({ name, uid: "" });
  const ports = port === 0 ? [] : [{ containerPort: 80, hostPort: port, protocol: "TCP", hostIP: "127.0.0.1" }];
  const { volumes, ...command } = site.script(`${name}.sh`, script);
  const [container] = (content["spec"] as { containers: readonly object[] }).containers;
  return stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ ...container, ...command, image, ports }], volumes, restartPolicy: "Always" },
  });
}

function file(name: string, text: string): string {
  const path = join(site.folder, name);
  writeFileSync(path, text);
  return path;
}

/** As a careful writer does: no half of it is ever seen. */
function placeFactoryPod(name: string, text: string): void {
  writeFileSync(join(podsDir, `.${name}`), text);
  renameSync(join(podsDir, `.${name}`), join(podsDir, name));
}

/** A command of the program where nothing is mounted at /proc. */
function withoutProc(...args: readonly string[]) {
  const space = process.geteuid?.() === 0 ? ["--mount"] : ["--map-root-user", "--mount"];
  const script = 'mount -t tmpfs none /proc && exec "$@"';
  return spawnSync("unshare", [...space, "sh", "-c", script, "sh", ...site.command(...args)], { encoding: "utf8" });
}

describe("a device without a center", () => {
  before(async () => {
    // It is there for its configuration alone.
    await site.startCenter();
    await site.killCenter();
    mkdirSync(podsDir, { mode: 0o755 });
    placeFactoryPod("web.yaml", pod("web", { port: 18_411 }));
    await site.startAgent();
  });
  after(() => site.close());

  test("runs its factory pod, and edge status says so", async () => {
    await site.eventually(
      "the factory pod runs",
      async () => (await site.row("web"))?.status === "Running" || undefined,
    );
    assert.deepEqual((await site.row("web"))?.origin, { kind: "factory", file: "web.yaml" });
    const page = await site.run("status");
    assert.match(page.stdout, /^Factory pods: web$/m);
    assert.match(page.stdout, /^Center +none is configured$/m);
  });

  test("applies a pod, waits until it is ready, changes it and deletes it", async () => {
    const applied = await site.run("apply", "-f", file("db.yaml", pod("db")));
    assert.equal(applied.code, 0, applied.stderr);
    assert.match(applied.stdout, /^Pod db is new\n(?: {2}.+\n)*Pod db is ready after \d+\.\d s\n$/);
    const again = await site.run("apply", "-f", join(site.folder, "db.yaml"));
    assert.match(again.stdout, /^Pod db is the same as before\nPod db is ready/);
    const printed = file("printed.yaml", (await site.run("get", "pods", "db", "-o", "yaml")).stdout);
    const same = await site.run("apply", printed);
    assert.deepEqual([same.code, same.stderr], [0, ""], "a Pod as edge prints it can be applied");
    for (const command of [site.command("apply", "-f", "-"), site.command("validate", "-")]) {
      const piped = spawnSync("sh", ["-c", '{ sleep 1; cat "$0"; } | "$@"', printed, ...command.flat()], {
        encoding: "utf8",
      });
      assert.deepEqual([piped.status, piped.stderr], [0, ""], "a program that writes late is waited for");
    }
    const restarted = await site.run("restart", "d");
    assert.equal(restarted.stdout, "Pod db is restarted\n");
    const deleted = await site.run("delete", "db", "--grace-period", "0");
    assert.equal(deleted.stdout, "Pod db is being deleted and ends within 0 s\n", deleted.stderr);
    await site.eventually("it is gone", async () => (await site.row("db")) === undefined || undefined);
  });

  test("applies a pod anew while its former pod ends, and says what it waits for", async () => {
    const keep = file("host/keep", "");
    const script = "trap '' TERM\nwhile [ -e /host/keep ]; do sleep 0.1; done";
    const path = file("slow.yaml", pod("slow", { script }));
    assert.equal((await site.run("apply", "-f", path)).code, 0);
    const before = (await site.row("slow"))?.uid;
    assert.equal((await site.run("delete", "slow", "--grace-period", "120")).code, 0);
    const [command, ...args] = site.command("apply", "-f", path);
    const again = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [again.stdout, again.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    const sentence = "  ContainerCreating: waits for the former pod of this name to end, which may take 120 s\n";
    await site.eventually("the sentence", () => said.includes(sentence) || undefined);
    assert.match(said, /^Pod slow is new\n/);
    again.kill("SIGINT");
    await site.eventually("the words of the end", () => said.endsWith("see edge pod slow\n") || undefined);
    rmSync(keep);
    await site.eventually("the new pod alone", async () => {
      const uids = (await site.status()).document.pods.flatMap(({ name, uid }) => (name === "slow" ? [uid] : []));
      return (uids.length === 1 && uids[0] !== before) || undefined;
    });
    const deleted = await site.run("delete", "-f", path, "--grace-period", "0");
    assert.equal(deleted.stdout, "Pod slow is being deleted and ends within 0 s\n", deleted.stderr);
    const nothing = await site.run("delete", "-f", file("empty.json", "{}"), "-f", join(site.folder, "nowhere.yaml"));
    assert.equal(nothing.code, 2);
    assert.match(nothing.stderr, /empty\.json: names no pod: metadata\.name is missing\n.*nowhere\.yaml: no such file/);
  });

  test("lists every violation of a pod, and says why one does not start", async () => {
    const text = pod("bad", { port: 18_411 })
      .replace("runAsUser: 1000", "runAsUser: 0")
      .replace("name: bad\n", "name: Bad\n");
    const refused = await site.run("apply", "-f", file("bad.yaml", text), "-f", join(site.folder, "nowhere.yaml"));
    assert.equal(refused.code, 2, "a file that is not there");
    assert.match(refused.stderr, /bad\.yaml: refused, 3 violations\n/);
    assert.match(refused.stderr, /TCP port 18411 on 127\.0\.0\.1 is already used by pod web/);
    assert.match(refused.stderr, /nowhere\.yaml: no such file or directory/);
    const stuck = await site.run("apply", "-f", file("stuck.yaml", pod("stuck").replace("/bin/sh", "/bin/nothing")));
    assert.equal(stuck.code, 1);
    assert.match(stuck.stderr, /^Pod stuck is not ready: .*\/bin\/nothing/);
    assert.match(stuck.stderr, /^To do: /m);
    assert.equal((await site.run("delete", "stuck")).code, 0);
    const ends = await site.run("apply", file("ends.yaml", pod("ends", { script: "sleep 1; exit 3" })));
    assert.equal(ends.code, 1, ends.stdout);
    assert.match(ends.stderr, /^Pod ends (?:did not stay ready|is not ready): .*\nTo do: /);
    assert.equal((await site.run("delete", "ends", "--grace-period", "0")).code, 0);
  });

  test("keeps a factory pod that is deleted by hand or whose file is broken", async () => {
    const refused = await site.run("delete", "web");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /web is a factory pod; remove its file web\.yaml/);
    placeFactoryPod("web.yaml", pod("web").slice(0, 100));
    await site.eventually("the broken file shows", () => site.published()?.factoryFiles?.length === 1 || undefined);
    const page = await site.run("status", "--wide");
    assert.match(page.stdout, /Factory pod file web\.yaml refused: .+\. Pod web goes on as it was\./);
    assert.equal((await site.row("web"))?.status, "Running");
    rmSync(join(podsDir, "web.yaml"));
    await site.eventually("it goes with its file", async () => (await site.row("web")) === undefined || undefined);
  });

  test("says that no agent answers", async () => {
    assert.equal(statSync(join(site.runDir, "edge.sock")).isSocket(), true);
    placeFactoryPod("last.yaml", pod("last"));
    await site.eventually("the last factory pod is known", async () => (await site.row("last")) ?? undefined);
    await site.endAgent("SIGKILL");
    const unanswered = await site.run("apply", "-f", join(site.folder, "db.yaml"));
    assert.equal(unanswered.code, 1);
    assert.match(
      unanswered.stderr,
      /^The agent is not running: nothing answers at .*edge\.sock\. Start it: systemctl start edge/,
    );
  });

  test("is shown in a root without /proc, as that of an image is, and edge run says what is missing", () => {
    const status = withoutProc("status");
    assert.match(status.stdout, /^Factory pods: last$/m, status.stderr);
    assert.equal(withoutProc("pod", "last").status, 0);
    const purge = withoutProc("uninstall", "--root", site.folder, "--purge");
    assert.match(purge.stderr, /^Nothing was removed: .+ Mount \/proc first: /);
    const run = withoutProc("run");
    assert.equal(run.status, 1);
    assert.match(run.stderr, /because \/proc is not mounted\. Mount it: mount -t proc proc \/proc\n$/);
  });
});
