import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { podUpdate, registrySecret, secretUpdate } from "../samples/messages.ts";
import { connectedDevice, id, image, login, send, waiting } from "./world/connected-device.ts";

const privateImage = "registry.example:5000/app:1";

const fetching = {
  spec: { imagePullSecrets: [{ name: registrySecret }] },
  container: { image: privateImage },
};

describe("a pod whose registry needs a password", () => {
  test("reports what is wrong, and starts at once with the right secret", async () => {
    const world = await connectedDevice();
    world.host.publish(privateImage, image, { username: "u", password: "s3cret-right" });
    assert.equal(await send(world, podUpdate({ name: "web", uid: id(1), msgId: id(10), ...fetching })), "OK");
    assert.match(waiting(world, id(1)), new RegExp(`^ErrImagePull .*secret ${registrySecret} is not on this`));
    assert.equal(
      await send(world, secretUpdate(id(11), { auths: { "other.example": { username: "u", password: "p" } } })),
      "OK",
    );
    assert.match(waiting(world, id(1)), /has no entry for registry\.example:5000/);
    assert.equal(await send(world, secretUpdate(id(12), login("s3cret-wrong"))), "OK");
    assert.match(
      waiting(world, id(1)),
      /^ErrImagePull Registry registry\.example:5000 rejected the user name or password in secret /,
    );
    await world.clock.pass(200_000);
    assert.equal(await send(world, secretUpdate(id(13), login("s3cret-right"))), "OK");
    assert.equal(world.host.running().length, 1, waiting(world, id(1)));
    const told = world.look((store) =>
      JSON.stringify([
        store.events.list({ limit: 10_000 }),
        store.outbox.list(0, 1_000),
        store.statuses.list(),
        store.desiredPods.list(),
      ]),
    );
    const said = JSON.stringify([world.center.received(), world.process().published()]);
    for (const words of [told, said]) {
      assert.equal(words.includes("s3cret"), false);
      assert.equal(words.includes(Buffer.from("s3cret").toString("base64").slice(0, 6)), false);
    }
    world.process().kill();
  });

  test("shows nothing of a rejected secret", async () => {
    const world = await connectedDevice();
    const text = secretUpdate(id(1), login("s3cret")).replace('"type"', '"stringData":{"x":"s3cret"},"type"');
    assert.match(await send(world, text), /^FAILED/);
    const broken = secretUpdate(id(2), {}).replace(/"\.dockerconfigjson":"[^"]*"/, '".dockerconfigjson":"s3cret!"');
    assert.match(await send(world, broken), /^FAILED/);
    const told = world.look((store) => JSON.stringify([store.events.list({ limit: 100 }), store.outbox.list(0, 100)]));
    assert.equal(`${told}${world.center.received().join("")}`.includes("s3cret"), false);
    world.process().kill();
  });

  test("shares one pull with other pods that wait for the image", async () => {
    const world = await connectedDevice();
    world.host.publish(privateImage, image, { username: "u", password: "p" });
    world.host.latency(1, 5, 20_000);
    await send(world, secretUpdate(id(1), login("p")));
    for (const n of [1, 2, 3]) {
      assert.equal(
        await send(world, podUpdate({ name: `web-${n}`, uid: id(20 + n), msgId: id(10 + n), ...fetching })),
        "OK",
      );
    }
    assert.equal(await send(world, secretUpdate(id(2), login("p"))), "OK", "the same again breaks nothing off");
    await world.clock.pass(60_000);
    assert.equal(world.host.running().length, 3);
    assert.equal(world.host.calls().filter(({ operation }) => operation === "pull").length, 1);
    world.process().kill();
  });
});
