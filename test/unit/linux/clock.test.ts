import assert from "node:assert/strict";
import { readFile } from "node:fs";
import { test } from "node:test";
import { linuxClock } from "../../../src/linux/clock.ts";

test("a sleep of 0 ms ends in the turn of the loop that has just read, before any timer", async () => {
  const clock = linuxClock();
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    readFile(import.meta.filename, () => {
      setTimeout(() => {
        order.push("timer");
        resolve();
      }, 0);
      void clock.sleep(0).then(() => order.push("sleep"));
    });
  });
  assert.deepEqual(order, ["sleep", "timer"]);
});
