import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { portUser } from "../../../src/linux/port-user.ts";

test("the process that listens on a TCP port is named with its pid", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  assert.match(portUser("TCP", address.port) ?? "", new RegExp(`^\\S.* \\(pid ${process.pid}\\)$`));
  assert.equal(portUser("UDP", address.port), null);
});

test("a port without a listener has no user, nor has any port if /proc is empty", () => {
  assert.equal(portUser("TCP", 1), null);
  assert.equal(portUser("TCP", 80, "/nonexistent"), null);
});
