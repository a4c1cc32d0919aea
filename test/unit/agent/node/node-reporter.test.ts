import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createNodeReporter } from "../../../../src/agent/node/node-reporter.ts";
import type { NodeReport } from "../../../../src/core/node/status.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { seededRandom } from "../../../fakes/random.ts";

function set() {
  const clock = virtualClock();
  const said: { readonly at: number; readonly message: ReturnType<typeof JSON.parse> }[] = [];
  const state = { cpu: "1" };
  const report = (): NodeReport => ({
    addresses: [],
    allocatable: { cpu: state.cpu },
    capacity: {},
    content: { status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: `${clock.wall()}` }] } },
  });
  const say = (text: string): void => void said.push({ at: clock.mono(), message: JSON.parse(text) });
  const reporter = createNodeReporter({ clock, random: seededRandom(1), reportedAs: "sn-1", report, sendNow: say });
  const stop = new AbortController();
  const running = reporter.run(stop.signal);
  const end = async () => {
    stop.abort();
    await clock.pass(1);
    await running;
  };
  return { clock, said, state, reporter, end };
}

describe("createNodeReporter()", () => {
  it("sends nothing without a connection, and the whole nodestatus on each", async () => {
    const { clock, said, reporter, end } = set();
    await clock.pass(400_000);
    assert.equal(said.length, 0);
    for (const times of [1, 2]) {
      reporter.online(true);
      await clock.pass(1_100);
      assert.equal(said.length, times);
      reporter.online(false);
      await clock.pass(50_000);
      assert.equal(said.length, times);
    }
    const { header, route, content } = said[0]?.message ?? assert.fail();
    assert.deepEqual([header.sync, header.parent_msg_id], [true, ""]);
    assert.deepEqual(route, {
      source: "edged",
      group: "meta",
      operation: "update",
      resource: "websocket/nodestatus/edge-sn-1",
    });
    assert.equal(content.Status.allocatable.cpu, "1");
    await end();
  });

  it("sends a change soon if it is woken, within 10 s otherwise, and at most once a second", async () => {
    const { clock, said, state, reporter, end } = set();
    reporter.online(true);
    await clock.pass(5_000);
    state.cpu = "2";
    reporter.poke();
    await clock.pass(10);
    assert.equal(said.at(-1)?.message.content.Status.allocatable.cpu, "2");
    state.cpu = "3";
    await clock.pass(12_000);
    assert.equal(said.at(-1)?.message.content.Status.allocatable.cpu, "3");
    const before = said.length;
    for (let times = 0; times < 100; times += 1) {
      state.cpu = `${times + 10}`;
      reporter.poke();
      await clock.pass(50);
    }
    assert.ok(said.length - before <= 6, `${said.length - before} in 5 s`);
    await clock.pass(2_000);
    assert.equal(said.at(-1)?.message.content.Status.allocatable.cpu, "109");
    await end();
  });

  it("sends an unchanged nodestatus every five minutes", async () => {
    const { clock, said, reporter, end } = set();
    reporter.online(true);
    await clock.pass(3_600_000);
    assert.ok(said.length >= 12 && said.length <= 13, `${said.length} in an hour`);
    await end();
  });
});
