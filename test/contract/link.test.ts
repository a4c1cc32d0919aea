import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, dialFails, fakePeer, realPeer, until } from "./link-peers.ts";

for (const [name, open] of [
  ["in memory", fakePeer],
  ["on WebSocket", realPeer],
] as const) {
  describe(`a link ${name}`, () => {
    it("carries messages both ways, in order", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      const texts = Array.from({ length: 200 }, (_, i) => `${i} ü`);
      for (const text of texts) {
        assert.equal(heard.connection.send(text), true);
        peer.deliver(text);
      }
      await until(() => heard.messages.length === 200 && peer.received().length === 200, "200 messages each way");
      assert.deepEqual(heard.messages, texts);
      assert.deepEqual(peer.received(), texts);
      heard.connection.close(1000, "");
    });

    it("reports whether the center asked for history", async (t) => {
      const peer = await open(t);
      const before = await connect(peer);
      assert.equal(before.connection.asksHistory, false);
      before.connection.close(1000, "");
      await until(() => before.closed.length === 1, "the end");
      peer.askHistory();
      const after = await connect(peer);
      assert.equal(after.connection.asksHistory, true);
      after.connection.close(1000, "");
    });

    it("returns the payload of a ping if the peer answers pings", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      heard.connection.ping("1");
      await until(() => heard.pongs.length === 1, "a pong");
      peer.autoPong(false);
      heard.connection.ping("2");
      heard.connection.send("after");
      await until(() => peer.received().length === 1, "what was sent after the ping");
      peer.pong("9");
      await until(() => heard.pongs.length === 2, "a pong by hand");
      assert.deepEqual(heard.pongs, ["1", "9"]);
      heard.connection.close(1000, "");
    });

    it("reports a lost network once and accepts no more messages", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      peer.cut();
      await until(() => heard.closed.length === 1, "the end");
      assert.equal(heard.closed[0]?.code, 1006);
      assert.equal(heard.connection.send("x"), false);
      heard.connection.ping("x");
      heard.connection.pause();
      heard.connection.resume();
      heard.connection.close(1000, "");
      await sleep(50);
      assert.deepEqual(heard.calls, ["closed"]);
    });

    it("reports the code and reason of a peer that closes, after its last message", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      peer.deliver("last");
      peer.cut(1012, "Restart");
      await until(() => heard.closed.length === 1, "the end");
      assert.deepEqual(heard.calls, ["message", "closed"]);
      assert.deepEqual(heard.closed, [{ code: 1012, reason: "Restart" }]);
    });

    it("closes and can be dialled again", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      heard.connection.close(1000, "Bye");
      assert.equal(heard.connection.send("x"), false);
      await until(() => heard.closed.length === 1, "the end");
      assert.deepEqual(heard.closed, [{ code: 1000, reason: "Bye" }]);
      const again = await connect(peer);
      again.connection.send("again");
      await until(() => peer.received().includes("again"), "the second connection");
      again.connection.close(1000, "");
    });

    it("delivers only the end of the connection after close()", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      heard.connection.pause();
      peer.deliver("too late");
      await sleep(20);
      heard.connection.close(1000, "");
      await until(() => heard.closed.length === 1, "the end");
      assert.deepEqual(heard.calls, ["closed"]);
    });

    it("closes in time against a peer that never answers", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      peer.freeze();
      heard.connection.close(1000, "");
      await until(() => heard.closed.length === 1, "the end");
      assert.equal(heard.closed[0]?.code, 1006);
    });

    it("delivers no message while paused, and every message afterwards", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      peer.deliver("0");
      await until(() => heard.messages.length === 1, "the first message");
      heard.connection.pause();
      for (let i = 1; i <= 20; i += 1) peer.deliver(String(i));
      await sleep(100);
      assert.deepEqual(heard.messages, ["0"]);
      assert.equal(heard.connection.send("still sends"), true);
      await until(() => peer.received().length === 1, "what was sent while paused");
      heard.connection.resume();
      await until(() => heard.messages.length === 21, "the rest");
      assert.equal(heard.messages.at(-1), "20");
      heard.connection.close(1000, "");
    });

    it("counts the bytes that a peer does not read", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      assert.equal(heard.connection.bufferedBytes(), 0);
      peer.freeze();
      for (let i = 0; i < 64; i += 1) heard.connection.send("x".repeat(262_144));
      await sleep(50);
      assert.ok(heard.connection.bufferedBytes() > 262_144, String(heard.connection.bufferedBytes()));
      heard.connection.close(1000, "");
      await until(() => heard.closed.length === 1, "the end");
    });

    it("keeps an older connection beside a newer one, each with its own end", async (t) => {
      const peer = await open(t);
      const older = await connect(peer);
      const newer = await connect(peer);
      peer.deliver("to the newer one");
      older.connection.send("from the older one");
      newer.connection.send("from the newer one");
      await until(() => newer.messages.length === 1 && peer.received().length === 2, "messages on both");
      older.connection.close(1000, "");
      await until(() => older.closed.length === 1, "the end of the older one");
      assert.deepEqual([older.messages, newer.closed], [[], []]);
      newer.connection.close(1000, "");
    });

    it("counts sent and received bytes", async (t) => {
      const peer = await open(t);
      const heard = await connect(peer);
      const before = heard.connection.movedBytes();
      heard.connection.send("x".repeat(5_000));
      peer.deliver("y".repeat(3_000));
      await until(() => heard.connection.movedBytes().left >= before.left + 5_000, "what has left");
      await until(() => heard.connection.movedBytes().read >= before.read + 3_000, "what has come");
      heard.connection.close(1000, "");
    });

    it("reports a refused dial and how long to wait", async (t) => {
      const peer = await open(t);
      peer.refuse();
      const error = await dialFails(peer.link);
      assert.deepEqual(error, {
        code: "refused",
        message: "The center answered 503",
        status: 503,
        retryAfterSeconds: 7,
      });
    });

    it("stops dialling when its signal aborts", async (t) => {
      const peer = await open(t);
      peer.hang();
      const dialler = new AbortController();
      const failed = dialFails(peer.link, dialler.signal);
      await sleep(20);
      dialler.abort();
      assert.equal((await failed).code, "aborted");
      assert.equal((await dialFails(peer.link, dialler.signal)).code, "aborted");
    });

    it("keeps an open connection when the signal of the dial aborts", async (t) => {
      const peer = await open(t);
      const dialler = new AbortController();
      const closed: unknown[] = [];
      const nothing = () => {};
      const handlers = { message: nothing, pong: nothing, closed: (why: unknown) => closed.push(why) };
      const result = await peer.link.dial(handlers, dialler.signal);
      assert.ok(result.ok);
      dialler.abort();
      assert.equal(result.connection.send("x"), true);
      await until(() => peer.received().length === 1, "the message");
      assert.deepEqual(closed, []);
      result.connection.close(1000, "");
    });
  });
}
