import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { errorOf, eventually, generous, valued } from "../engine-results.ts";
import type { Bench } from "./bench.ts";
import { besides, program } from "./machines.ts";

/** What an engine does with a program that runs beside a container's own. */
export function programTests(bench: Bench): void {
  const { request, create, started, stateOf } = bench;

  it("runs a program beside the container's own, as its user, and tells how it ended and what it said", async () => {
    const id = await started(program("forever"));
    const run = async (name: keyof typeof besides) =>
      valued(await bench.engine.exec(id, ["sh", "-c", besides[name].script], generous()));
    assert.deepEqual(await run("well"), { exitCode: 0, output: "all is well" });
    assert.deepEqual(await run("badly"), { exitCode: 3, output: "it is not" });
    assert.deepEqual(await run("asUser"), { exitCode: 0, output: "65534" });
    const loud = await run("loud");
    assert.equal(loud.exitCode, 4);
    assert.ok(loud.output.startsWith("y\ny\n") && loud.output.length <= 10 * 1024);
    const missing = valued(await bench.engine.exec(id, [besides.missing.script], generous()));
    assert.ok(missing.exitCode === 126 || missing.exitCode === 127, JSON.stringify(missing));
    assert.equal((await stateOf(id)).kind, "running");
  });

  it("lets a program run that nobody waits for any more, and ends it with its container", async () => {
    const id = await started(program("deaf"));
    const hanging = ["sh", "-c", besides.hanging.script];
    const givenUp = bench.engine.exec(id, hanging, AbortSignal.timeout(300));
    assert.equal(errorOf(await givenUp), "timeout");
    const waitedFor = bench.engine.exec(id, hanging, generous());
    await sleep(300);
    valued(await bench.engine.stop(id, 0, generous()));
    assert.equal(valued(await waitedFor).exitCode, 137);
  });

  it("says that a program has begun, and whether it lives", async () => {
    const id = await started(program("deaf"));
    const begun: string[] = [];
    const counted = (beside: string): void => void begun.push(beside);
    const late = bench.engine.exec(id, ["sh", "-c", besides.slow.script], generous(), counted);
    const slow = await eventually(async () => begun[0] ?? null);
    assert.equal(valued(await bench.engine.isAlive(id, slow, generous())), true);
    assert.equal(valued(await late).exitCode, 5);
    const slowLives = await bench.engine.isAlive(id, slow, generous());
    assert.equal(slowLives.ok && slowLives.value, false);
    const hanging = bench.engine.exec(id, ["sh", "-c", besides.hanging.script], generous(), counted);
    const other = await eventually(async () => begun[1] ?? null);
    assert.equal(valued(await bench.engine.isAlive(id, other, generous())), true);
    valued(await bench.engine.stop(id, 0, generous()));
    valued(await hanging);
    const afterwards = await bench.engine.isAlive(id, other, generous());
    assert.ok(!afterwards.ok || !afterwards.value, "Podman lists no processes then, docker refuses to list them");
    assert.equal(begun.length, 2);
  });

  it("runs nothing in a container that does not run", async () => {
    const id = await create(await request(program("forever")));
    assert.equal(errorOf(await bench.engine.exec(id, ["true"], generous())), "conflict");
    assert.equal(errorOf(await bench.engine.exec("0".repeat(64), ["true"], generous())), "notFound");
  });
}
