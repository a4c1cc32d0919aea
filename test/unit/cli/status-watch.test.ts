import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Terminal } from "../../../src/cli/output.ts";
import { watchStatus } from "../../../src/cli/status.ts";
import type { StatusDocument } from "../../../src/core/status-document.ts";
import { liveDevice, liveStatus, podRow } from "../../samples/live-device.ts";

/** `edge status --watch` of a device with one pod, until the test ends it. */
function watched(t: TestContext, json: boolean, terminal?: Terminal) {
  const live = liveDevice(t, terminal);
  live.publish(liveStatus([podRow("web")]));
  const stop = new AbortController();
  const ended = watchStatus({ config: live.config, json, wide: false }, live.io, stop.signal);
  const prints = async (text: string): Promise<void> => {
    const deadline = performance.now() + 60_000;
    while (!live.lines.some((line) => line.includes(text))) {
      assert.ok(performance.now() < deadline, `Waited in vain for ${text}`);
      await sleep(20);
    }
  };
  async function end(): Promise<void> {
    stop.abort();
    assert.equal(await ended, 0);
  }
  return { ...live, prints, end };
}

// Each waits for a look at the device, once a second.
describe("a watched status", { concurrency: true }, () => {
  test("edge status --watch appends the page where no terminal is, and only when something has changed", async (t) => {
    const { publish, prints, end, lines } = watched(t, false);
    await prints("web   1/1    Running");
    publish(liveStatus([podRow("web", { ready: "0/1", status: "Error" })]));
    await prints("web   0/1    Error");
    await end();
    assert.equal(lines.filter((line) => line.startsWith("Node ")).length, 2);
    assert.equal(lines[lines.lastIndexOf("Node     edge-1") - 1], "");
  });

  test("edge status --watch --json prints one document a line for each change", async (t) => {
    const { publish, prints, end, lines } = watched(t, true);
    await prints(`"Running"`);
    publish(liveStatus([]));
    await prints(`"pods":[]`);
    await end();
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as StatusDocument).pods.length),
      [1, 0],
    );
  });

  test("edge status --watch draws a page on the terminal in the place of the last one, cut to its height", async (t) => {
    const heights: number[] = [];
    const clear = () => void heights.push(live.lines.splice(0).length);
    const live = watched(t, false, { rows: () => 4, columns: () => 80, clear });
    await live.prints("Node     edge-1");
    assert.equal(live.lines.length, 3);
    const other = { ...liveStatus([]), node: { name: "edge-2", conditions: [] } };
    live.publish(other);
    await live.prints("Node     edge-2");
    await live.end();
    assert.ok(heights.length >= 2 && heights.every((height) => height <= 3), `${heights}`);
  });

  test("edge status --watch ends with exit code 0 at Ctrl-C", async (t) => {
    const live = liveDevice(t);
    live.publish(liveStatus([podRow("web")]));
    const args = ["src/main.ts", "status", "--watch", "--config", live.config];
    const program = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => program.kill("SIGKILL"));
    const exited = once(program, "exit");
    for await (const chunk of program.stdout.setEncoding("utf8"))
      if (String(chunk).includes("web")) program.kill("SIGINT");
    assert.deepEqual(await exited, [0, null]);
  });
});
