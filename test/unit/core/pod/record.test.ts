import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerHistory, PodHistory } from "../../../../src/core/pod/container-history.ts";
import { type RecordContext, record } from "../../../../src/core/pod/record.ts";
import { messageBytes } from "../../../../src/core/pod/termination-message.ts";
import {
  acceptedPod,
  ago,
  container,
  exited,
  historyOf,
  now,
  running,
  termination,
  withSpec,
} from "../../../samples/pods.ts";

const pod = acceptedPod();
const context: RecordContext = { now, engineRunId: "s1" };
const seenRunning = {
  id: "app-id-of-attempt-0",
  startedAt: ago(30_000).wall.toString(),
  seenRunning: ago(30_000),
  engineRunId: "s1",
};

function app(history: PodHistory): ContainerHistory {
  return history.app ?? assert.fail("There is a history of app");
}

test("the record adopts an unknown container as it is", () => {
  const { history, events } = record({}, [container(pod, running(), { attempt: 4, generation: 2 })], context);
  assert.equal(app(history).attempt, 4);
  assert.equal(app(history).generation, 2);
  assert.equal(app(history).current?.engineRunId, "s1");
  assert.deepEqual(
    events.map((one) => one.reason),
    ["Started"],
  );
});

test("the record does not change if nothing changed", () => {
  for (const state of [running(), exited(1), { kind: "created" } as const]) {
    const first = record({}, [container(pod, state)], context);
    const second = record(first.history, [container(pod, state)], context);
    assert.equal(second.history, first.history);
    assert.deepEqual(second.events, []);
  }
});

test("the record of an end has its exit code, and a long run resets the back-off", () => {
  const before = { app: historyOf(pod, { current: seenRunning, backoffLevel: 4 }) };
  const short = record(before, [container(pod, exited(3))], context);
  assert.deepEqual([app(short.history).termination?.exitCode, app(short.history).backoffLevel], [3, 4]);
  const longAgo = { ...seenRunning, seenRunning: ago(700_000) };
  const long = record(
    { app: historyOf(pod, { current: longAgo, backoffLevel: 4 }) },
    [container(pod, exited(3))],
    context,
  );
  assert.equal(app(long.history).backoffLevel, 0);
});

test("an end that Docker dates before the start is recorded once and is no long run", () => {
  const [finishedAt, startedAt] = [new Date(ago(1_000).wall).toISOString(), new Date(ago(997).wall).toISOString()];
  const early = { ...exited(1), finishedAt, startedAt };
  const before = { app: historyOf(pod, { current: { ...seenRunning, seenRunning: null }, backoffLevel: 3 }) };
  const { history, events } = record(before, [container(pod, early)], context);
  const { termination: end, backoffLevel } = app(history);
  assert.deepEqual([end?.startedAt, end?.finishedAt, backoffLevel, events.length], [startedAt, finishedAt, 3, 1]);
  assert.equal(record(history, [container(pod, early)], context).history, history);
});

test("the engine's OOM flag counts only with exit code 137", () => {
  const reason = (code: number) =>
    app(record({}, [container(pod, exited(code, ago(1), true))], context).history).termination?.reason;
  assert.deepEqual([137, 1, 0].map(reason), ["OOMKilled", "Error", "Completed"]);
});

test("an end after the agent's kill has the reason of the kill", () => {
  const killed = { ...seenRunning, stoppedBecause: "Killed just after its start: groups", killedAs: "GroupsDiffer" };
  const before = { app: historyOf(pod, { current: killed }) };
  const end = app(record(before, [container(pod, exited(137))], context).history).termination;
  assert.deepEqual([end?.reason, end?.stoppedBecause], ["GroupsDiffer", killed.stoppedBecause]);
  const other = { app: historyOf(pod, { current: { ...killed, id: "another" } }) };
  assert.equal(app(record(other, [container(pod, exited(137))], context).history).termination?.reason, "Error");
});

test("a termination message follows the engine's message, and the record keeps it", () => {
  const said = (error: string, lastWords?: string) => {
    const end = exited(1);
    assert.ok(end.kind === "exited");
    const state = { ...end, error, ...(lastWords === undefined ? {} : { lastWords }) };
    return app(record({}, [container(pod, state)], context).history).termination?.message;
  };
  assert.equal(said(""), undefined);
  assert.equal(said("", "out of paper"), "out of paper");
  assert.equal(said("the engine's"), "the engine's");
  assert.equal(said("the engine's", "its own"), "the engine's: its own");
});

test("a termination message has at most 4,096 bytes, those of a pod 12 KiB together", () => {
  const bytesOf = (count: number) =>
    messageBytes(acceptedPod({ containers: Array.from({ length: count }, (_, i) => `c${i}`) }).spec);
  assert.deepEqual([1, 3, 4, 20].map(bytesOf), [4096, 4096, 3072, 614]);
});

test("an end is an interruption when the engine took its containers along, or the device booted", () => {
  const interrupted = (changes: Partial<RecordContext>, current: ContainerHistory["current"] = seenRunning) =>
    app(record({ app: historyOf(pod, { current }) }, [container(pod, exited(0))], { ...context, ...changes }).history)
      .termination?.interrupted;
  assert.equal(interrupted({}), false);
  assert.equal(interrupted({ engineRunId: "s2" }), true);
  assert.equal(interrupted({ engineRunId: null }), false, "an engine that does not tell");
  assert.equal(interrupted({ engineRunId: "s2" }, { ...seenRunning, engineRunId: null }), false);
  assert.equal(interrupted({ now: { ...now, bootId: "boot-2", mono: 5_000 } }), true);
});

test("an end without an observed start is an interruption if the engine run changed since the create", () => {
  const created = [container(pod, { kind: "created" })];
  const made = record({}, created, context).history;
  const ends = (engineRunId: string, before = made) =>
    app(record(before, [container(pod, exited(0))], { ...context, engineRunId: engineRunId }).history).termination
      ?.interrupted;
  assert.equal(ends("s1"), false);
  assert.equal(ends("s2"), true);
  const later = record(made, created, { ...context, engineRunId: "s2" }).history;
  assert.equal(ends("s2", later), false, "it was seen made and not running after the engine came back");
});

test("a container that vanished ended with 137 and ContainerStatusUnknown; one that never ran only has to be made", () => {
  const gone = record({ app: historyOf(pod, { current: seenRunning }) }, [], context);
  assert.deepEqual(
    [app(gone.history).termination?.exitCode, app(gone.history).termination?.reason],
    [137, "ContainerStatusUnknown"],
  );
  const made = { ...seenRunning, startedAt: null, seenRunning: null };
  const unmade = record({ app: historyOf(pod, { current: made }) }, [], context);
  assert.equal(app(unmade.history).termination, null);
  assert.equal(app(unmade.history).current, null);
});

test("the end of a removed container stays on record", () => {
  const before = { app: historyOf(pod, { current: seenRunning, termination: termination(0) }) };
  assert.deepEqual(record(before, [], context).history, before);
});

test("a store that lost its last commits follows the engine's attempt", () => {
  const before = { app: historyOf(pod, { attempt: 1, termination: termination(1) }) };
  const { history } = record(before, [container(pod, running(), { attempt: 2 })], context);
  assert.equal(app(history).attempt, 2);
  assert.equal(app(history).lastTermination?.exitCode, 1);
});

test("a container started again by hand is running, and its end before that is the last state", () => {
  const first = record({ app: historyOf(pod, { current: seenRunning }) }, [container(pod, exited(2))], context);
  const again = record(first.history, [container(pod, running(ago(10)))], context);
  assert.equal(app(again.history).termination, null);
  assert.equal(app(again.history).lastTermination?.exitCode, 2);
});

test("an older attempt started by hand before the next create is the running one", () => {
  const ended = record({}, [container(pod, exited(1))], context).history;
  const next = {
    app: { ...app(ended), attempt: 1, current: null, termination: null, lastTermination: app(ended).termination },
  };
  assert.equal(record(next, [container(pod, exited(1))], context).history, next);
  const id = "app-id-of-attempt-1";
  const made = { app: { ...app(next), current: { ...seenRunning, id } } };
  const lost = record(made, [container(pod, running())], context);
  assert.deepEqual(
    [app(lost.history).attempt, app(lost.history).termination?.reason, lost.events.length],
    [1, "ContainerStatusUnknown", 1],
    "the end of the next attempt comes first",
  );
  assert.equal(app(record(lost.history, [container(pod, running())], context).history).attempt, 0);
  const other = container(pod, running(), { specHash: "another" });
  assert.equal(
    record(lost.history, [other], context).history,
    lost.history,
    "another specification is no next attempt",
  );
  const { history, events } = record(next, [container(pod, running())], context);
  const { attempt, current, termination: end, lastTermination } = app(history);
  assert.deepEqual([attempt, current?.id, end], [0, "app-id-of-attempt-0", null]);
  assert.equal(lastTermination?.exitCode, 1);
  assert.deepEqual(
    events.map((one) => one.reason),
    ["Started"],
  );
});

test("an older attempt started by hand that ended unseen counts as another end with a new wait", () => {
  const ended = record({}, [container(pod, exited(1))], context).history;
  const next = {
    app: {
      ...app(ended),
      attempt: 1,
      current: null,
      termination: null,
      backoffLevel: 1,
      lastTermination: app(ended).termination,
    },
  };
  const again = { ...exited(1, ago(500)), startedAt: new Date(ago(1_500).wall).toISOString() };
  const { history, events } = record(next, [container(pod, again)], context);
  const { attempt, termination: end, diedAt, backoffLevel } = app(history);
  assert.deepEqual([attempt, end?.startedAt, backoffLevel], [0, again.startedAt, 1]);
  assert.equal(diedAt?.mono, ago(500).mono);
  assert.deepEqual(
    events.map((one) => one.reason),
    ["Exited"],
  );
  const other = container(pod, again, { specHash: "another" });
  assert.equal(record(next, [other], context).history, next, "another specification does not wait for it");
});

test("a job started by hand that ended with 0 unseen before the next create is not done", () => {
  const job = withSpec(pod, { ...pod.spec, restartPolicy: "OnFailure" });
  const ended = record({}, [container(job, exited(1))], context).history;
  const next = {
    app: { ...app(ended), attempt: 1, current: null, termination: null, lastTermination: app(ended).termination },
  };
  const again = { ...exited(0, ago(500)), startedAt: new Date(ago(1_500).wall).toISOString() };
  const { history } = record(next, [container(job, again)], context);
  assert.deepEqual([app(history).attempt, app(history).termination?.interrupted], [0, true]);
  assert.equal(record(history, [container(job, again)], context).history, history);
});

test("an older attempt that ended again unseen counts although its sandbox is dead", () => {
  const inSandbox = { sandboxId: "a-sandbox" };
  const ended = record({}, [container(pod, exited(1), inSandbox)], context).history;
  const next = {
    app: { ...app(ended), attempt: 1, current: null, termination: null, lastTermination: app(ended).termination },
  };
  assert.equal(record(next, [container(pod, exited(1), inSandbox)], context).history, next);
  const again = { ...exited(1, ago(500)), startedAt: new Date(ago(1_500).wall).toISOString() };
  const { history } = record(next, [container(pod, again, inSandbox)], context);
  assert.deepEqual([app(history).attempt, app(history).termination?.startedAt], [0, again.startedAt]);
});

test("an unseen end of a run started by hand is recorded", () => {
  const job = exited(0);
  const done = record(
    { app: historyOf(pod, { current: { ...seenRunning, engineRunId: "s1" } }) },
    [container(pod, job)],
    context,
  );
  assert.equal(app(done.history).termination?.interrupted, false);
  const again = { ...job, startedAt: ago(2_000).wall.toString() };
  const { history, events } = record(done.history, [container(pod, again)], { now, engineRunId: "s2" });
  assert.equal(app(history).termination?.interrupted, true, "the engine ended it");
  assert.equal(events.length, 1);
  assert.equal(record(history, [container(pod, again)], { now, engineRunId: "s2" }).history, history);
});

test("the labels of a container name its specification when a power cut lost the record", () => {
  const before = { app: historyOf(pod, { specHash: "of the message before" }) };
  const { history } = record(before, [container(pod, { kind: "created" })], context);
  assert.equal(app(history).specHash, container(pod, running()).specHash);
  assert.equal(app(history).backoffLevel, 0);
});
