import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import Docker from "dockerode";
import { type PrivateEngine, startPrivateEngine } from "../../scripts/private-engine.ts";
import { findProcesses, waitUntil } from "../../scripts/processes.ts";
import { loadTestImages, testImages } from "../../scripts/test-images.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const quiet = (): void => undefined;

describe("a private engine", { skip }, () => {
  test("keeps containers over a crash if configured, and leaves nothing after close", async () => {
    const engine = await startPrivateEngine(quiet, { liveRestore: true });
    await loadTestImages(engine.socket);
    const id = await startContainer(engine);
    await engine.kill();
    assert.equal(engine.pid(), undefined);
    await engine.start({ liveRestore: true });
    const { State } = await new Docker({ socketPath: engine.socket }).getContainer(id).inspect();
    assert.equal(State.Running, true);
    await engine.close();
    assertNothingLeft(engine.folder, id);
  });

  test("leaves nothing after close if it was killed or frozen before", async () => {
    for (const harm of ["kill", "freeze"] as const) {
      const engine = await startPrivateEngine(quiet, { liveRestore: true });
      await loadTestImages(engine.socket);
      const id = await startContainer(engine);
      await engine[harm]();
      await engine.close();
      assertNothingLeft(engine.folder, id);
    }
  });

  test("leaves nothing when its owner is killed", async () => {
    const script = resolve("scripts/private-engine.ts");
    const code = `import { startPrivateEngine } from "${script}";
      const engine = await startPrivateEngine(() => undefined);
      console.log(engine.folder);
      setInterval(() => undefined, 1000);`;
    const stdio = ["ignore", "pipe", "inherit"] as const;
    const owner = spawn(process.execPath, ["--input-type=module", "--eval", code], { stdio: [...stdio] });
    const [line] = await once(owner.stdout ?? owner, "data");
    const folder = String(line).trim();
    assert.ok(existsSync(join(folder, "docker.sock")));
    owner.kill("SIGKILL");
    assert.ok(await waitUntil(() => !existsSync(folder), 60_000));
    assertNothingLeft(folder, folder);
  });
});

async function startContainer({ socket }: PrivateEngine): Promise<string> {
  const docker = new Docker({ socketPath: socket });
  const container = await docker.createContainer({ Image: testImages.busybox, Cmd: ["sleep", "1000"] });
  await container.start();
  return container.id;
}

function assertNothingLeft(folder: string, id: string): void {
  assert.equal(existsSync(folder), false);
  assert.equal(existsSync(join("/run/netns", folder.split("/").at(-1) ?? "")), false);
  assert.equal(readFileSync("/proc/self/mountinfo", "utf8").includes(folder), false);
  const left = findProcesses((commandLine, cgroup) => commandLine.includes(`${folder}/`) || cgroup.includes(id));
  assert.deepEqual(left, []);
}
