import assert from "node:assert/strict";
import { test } from "node:test";
import { main } from "../../../src/cli/program.ts";
import { liveDevice } from "../../samples/live-device.ts";

test("edge completion rejects another shell", async (t) => {
  const { io, errors } = liveDevice(t);
  assert.equal(await main(["completion", "tcsh"], io), 2);
  assert.deepEqual(errors, ["edge completion takes bash, zsh or fish: current value is tcsh"]);
});
