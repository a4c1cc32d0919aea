import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPuller, type PulledName } from "../../../../src/agent/images/image-puller.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { fakeEngine } from "../../../fakes/engine.ts";
import { seededRandom } from "../../../fakes/random.ts";

const name = "registry.example/app:1";
const facts = { id: "sha256:1", user: "", architecture: "amd64", volumes: [] };
const right = { serverAddress: "registry.example", username: "u", password: "right" };
const wrong = { ...right, password: "wrong" };

function set() {
  const clock = virtualClock();
  const { engine, host } = fakeEngine({ clock, random: seededRandom(1) });
  host.latency(1, 1, 1_000);
  const pulls = () => host.calls().filter(({ operation }) => operation === "pull").length;
  const brought: PulledName[] = [];
  const preloaded = { archiveOf: () => null, load: async () => null };
  const puller = createPuller({ engine, clock, preloaded, onImagePulled: (image) => brought.push(image) });
  return { clock, engine, host, pulls, brought, puller };
}

const never = new AbortController().signal;

describe("createPuller()", () => {
  it("pulls once for all callers during a pull, and again for a later caller", async () => {
    const { clock, host, pulls, puller } = set();
    host.publish(name, facts);
    const both = [1, 2].map(() => puller.pull({ image: name, credentials: [] }, never));
    await clock.pass(5_000);
    assert.deepEqual(
      (await Promise.all(both)).map(({ ok }) => ok),
      [true, true],
    );
    assert.equal(pulls(), 1);
    const later = puller.pull({ image: name, credentials: [] }, never);
    await clock.pass(5_000);
    assert.equal((await later).ok, true);
    assert.equal(pulls(), 2);
  });

  it("reports new progress to every caller, and to a later caller at once", async () => {
    const { clock, host, engine } = set();
    host.publish(name, facts);
    const { pull } = engine;
    let news: (share: number) => void = () => {};
    const said: string[] = [];
    const pullSpied: typeof pull = (image, credentials, signal, gotOn, told = () => {}) => {
      news = (share) => told({ layer: "a", share });
      return pull(image, credentials, signal, gotOn);
    };
    const spied = createPuller({
      engine: { image: engine.image, pull: pullSpied },
      clock,
      preloaded: { archiveOf: () => null, load: async () => null },
      onImagePulled: () => {},
    });
    const first = spied.pull({ image: name, credentials: [] }, never, ({ tenths }) => said.push(`1: ${tenths}`));
    await clock.pass(10);
    for (const share of [0.31, 0.35]) news(share);
    const second = spied.pull({ image: name, credentials: [] }, never, ({ tenths }) => said.push(`2: ${tenths}`));
    news(1);
    await clock.pass(5_000);
    assert.deepEqual([(await first).ok, (await second).ok], [true, true]);
    assert.deepEqual(said, ["1: 3", "2: 3", "1: 10", "2: 10"]);
  });

  it("does not fail a pull with the credentials of another pod", async () => {
    const { clock, host, pulls, puller } = set();
    host.publish(name, facts, right);
    const both = [wrong, right].map((one) => puller.pull({ image: name, credentials: [one] }, never));
    await clock.pass(5_000);
    assert.deepEqual(
      (await Promise.all(both)).map(({ ok }) => ok),
      [false, true],
    );
    assert.equal(pulls(), 2);
  });

  it("tries one credential after the other, and stops at an error that no password fixes", async () => {
    const { clock, host, pulls, puller } = set();
    host.publish(name, facts, right);
    const found = puller.pull({ image: name, credentials: [wrong, right, wrong] }, never);
    await clock.pass(10_000);
    assert.equal((await found).ok, true);
    assert.equal(pulls(), 2);
    host.network(false);
    const lost = puller.pull({ image: name, credentials: [wrong, right] }, never);
    await clock.pass(60_000);
    assert.equal((await lost).ok, false);
    assert.equal(pulls(), 3);
  });

  it("continues a pull for the remaining callers, and aborts it when the last one leaves", async () => {
    const { clock, host, pulls, puller } = set();
    host.publish(name, facts);
    const [first, second] = [new AbortController(), new AbortController()];
    const asked = [first, second].map(({ signal }) => puller.pull({ image: name, credentials: [] }, signal));
    first.abort();
    await clock.pass(10);
    const left = await asked[0];
    assert.equal(left?.ok === false && left.error.kind, "aborted");
    second.abort();
    await clock.pass(10);
    // What was given up is not there to be joined any more.
    const third = puller.pull({ image: name, credentials: [] }, never);
    await clock.pass(5_000);
    assert.equal((await third).ok, true);
    const last = await asked[1];
    assert.equal(last?.ok === false && last.error.kind, "aborted");
    assert.equal(pulls(), 2);
  });

  it("reports the pulled image, and nothing if it was present", async () => {
    const { clock, host, brought, puller } = set();
    host.publish(name, facts);
    for (let times = 0; times < 2; times += 1) {
      const asked = puller.pull({ image: name, credentials: [] }, never);
      await clock.pass(5_000);
      assert.equal((await asked).ok, true);
      assert.deepEqual(brought, [{ id: "sha256:1", name }]);
    }
    host.publish(name, { ...facts, id: "sha256:2" });
    const asked = puller.pull({ image: name, credentials: [] }, never);
    await clock.pass(5_000);
    assert.equal((await asked).ok, true);
    assert.deepEqual(brought.at(-1), { id: "sha256:2", name });
    const failing = puller.pull({ image: "registry.example/none:1", credentials: [] }, never);
    await clock.pass(5_000);
    assert.equal((await failing).ok, false);
    assert.equal(brought.length, 2);
  });

  it("aborts a pull that receives nothing for two minutes", async () => {
    const { clock, host, puller } = set();
    host.publish(name, facts);
    host.fail("pull", "hang");
    const asked = puller.pull({ image: name, credentials: [] }, never);
    await clock.pass(121_000);
    const result = await asked;
    assert.equal(result.ok === false && result.error.kind, "timeout");
  });
});
