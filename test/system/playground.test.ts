import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";

test("npm run playground opens a shell whose first three commands work, and leaves nothing", async () => {
  const child = spawn(process.execPath, ["scripts/playground.ts"], {
    env: { ...process.env, SHELL: "/bin/sh" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  child.stdin.end(
    "pwd\nedge status\nsend hello.json\nedge pod hello\nsend web.json\nsend broken.json\nsend --restart hello\nsend --delete hello\nedge wait web --for=Ready --timeout=60s\nbusybox wget -qO- http://127.0.0.1:18088\ncenter stop\nsend hello.json\ncenter start\nagent reload\nagent stop\nagent reload\nagent restart\nagent\nsend\necho code $?\nsend none.json\n",
  );
  const said = await text(child.stdout);
  const [code] = await ended;
  assert.equal(code, 0, said);
  assert.match(said, /^Engine +ready, version /m);
  assert.equal(said.match(/^OK$/gm)?.length, 4, said);
  assert.match(said, /^Pod +websocket\/hello$/m);
  assert.match(said, /^FAILED: spec\.containers\[0\]\.securityContext\.privileged is true/m);
  assert.match(said, /^Hello from the pod web$/m);
  assert.match(
    said,
    /^The center is stopped\. .*\nThe center runs\. .*\nThe agent reads its configuration again: edge events$/m,
  );
  assert.match(said, /^The agent is stopped\. .*\nThe agent does not run: agent start\nThe agent runs again\. /m);
  assert.match(said, /^code 2$/m);
  assert.match(said, /The playground was removed\n$/);
});
