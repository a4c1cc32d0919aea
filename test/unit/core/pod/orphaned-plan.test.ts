import assert from "node:assert/strict";
import { test } from "node:test";
import { showAction } from "../../../../src/core/pod/action.ts";
import type { ObservedState } from "../../../../src/core/pod/observed.ts";
import { planOrphaned } from "../../../../src/core/pod/orphaned-plan.ts";
import type { RestartPolicy } from "../../../../src/core/pod/spec.ts";
import { acceptedPod, ago, container, exited, now, running } from "../../../samples/pods.ts";
import { containers, joined, pod, sandboxOf, seen } from "./sandbox-situations.ts";

/** Actions for a pod that no row is there for, its sandbox dead by hand, `a` in this state. */
function unmanaged(policy: RestartPolicy, state: ObservedState, sandbox: ObservedState = exited(137)): string {
  const its = acceptedPod({ containers, policy });
  const before = [sandboxOf(its, running()), joined("a", running(), {}, its)];
  const cut = [sandboxOf(its, exited(137)), joined("a", running(), {}, its)];
  const observed = [joined("a", state, {}, its), sandboxOf(its, sandbox)];
  const history = seen(observed, seen(cut, seen(before)));
  return planOrphaned(observed, new Map([["u1", history]]), now)
    .actions.map(showAction)
    .join("\n");
}

test("an orphaned pod with a dead sandbox stops its containers, starts the sandbox again, then the containers", () => {
  const because = ", because no pod here knows it, and its label says Always";
  const stopped = "stop a (a-id-of-atte) within 30 s, because its sandbox is dead";
  const startSandbox = `start POD (POD-id-of-at)${because}`;
  const start = `start a (a-id-of-atte)${because}`;
  assert.equal(unmanaged("Always", running()), `${stopped}\n${startSandbox}`);
  assert.equal(unmanaged("Always", exited(0)), `${startSandbox}\n${start}`);
  assert.equal(unmanaged("Always", exited(0), running()), start);
  assert.equal(unmanaged("OnFailure", exited(0)), unmanaged("Always", exited(0)).replaceAll("Always", "OnFailure"));
  assert.equal(unmanaged("Never", running()), "");
});

test("an orphaned container waits while another container holds its NPU", () => {
  const its = container(pod, exited(1), { npus: ["davinci0"] });
  const history = seen([its], seen([{ ...its, state: running() }]));
  const starts = (other: ObservedState, npu = "davinci0") => {
    const all = [its, { ...its, id: "other", npus: [npu], state: other }];
    return planOrphaned([its], new Map([["u1", history]]), now, all).actions.length;
  };
  assert.equal(starts(running()), 0);
  assert.equal(starts(running(), "davinci1"), 1);
  assert.equal(starts(exited(1, ago(500))), 0);
  assert.equal(starts(exited(1, ago(5_000))), 1);
});
