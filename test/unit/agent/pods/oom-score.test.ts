import assert from "node:assert/strict";
import { test } from "node:test";
import { oomScoreNotice, rememberOomScoreRefused, takenOomScore } from "../../../../src/agent/pods/oom-score.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { memoryStore } from "../../../fakes/store.ts";
import { acceptedPod } from "../../../samples/pods.ts";

const both = { cpu: "100m", memory: "32Mi" };

test("a negative OOM score that the kernel rejected is 0 with a notice until the next boot", () => {
  const clock = virtualClock();
  const parts = { clock, store: memoryStore(), device: { memoryBytes: () => 2 ** 31 } };
  const { spec } = acceptedPod();
  const [first] = spec.containers;
  assert.ok(first !== undefined);
  const guaranteed = { ...spec, containers: [{ ...first, resources: { limits: both, requests: both } }] };
  const score = () => takenOomScore(parts, guaranteed, first.name);
  assert.deepEqual([score(), oomScoreNotice(parts)], [-997, null]);
  rememberOomScoreRefused(parts);
  assert.equal(score(), 0);
  assert.match(
    oomScoreNotice(parts) ?? "",
    /^The kernel does not let the engine protect containers from the OOM killer\. Until the next boot, .* run the engine as root with CAP_SYS_RESOURCE, then boot/,
  );
  clock.reboot();
  assert.deepEqual([score(), oomScoreNotice(parts)], [-997, null]);
});
