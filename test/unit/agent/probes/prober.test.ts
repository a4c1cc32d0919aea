import assert from "node:assert/strict";
import { test } from "node:test";
import { storeError } from "../../../../src/core/base/store-failure.ts";
import type { ObservedContainer } from "../../../../src/core/pod/observed.ts";
import type { HttpBehaviour } from "../../../fakes/http.ts";
import { withSpec } from "../../../samples/pods.ts";
import { bench, failing, never, ok, probe, unavailable, web, words } from "./prober-bench.ts";

test("three failures in a row end the liveness of a container, wake its pod once and stop the probe", async () => {
  const { clock, events, woken, execs, live, verdict, began } = bench({ probes: { livenessProbe: probe } });
  live.exec = failing;
  assert.deepEqual(verdict(), { ready: null, live: true, why: "" });
  await clock.pass(19_000);
  assert.equal(verdict()?.live, true);
  await clock.pass(60_000);
  assert.deepEqual(
    execs.map((at) => at - began),
    [0, 10_000, 20_000],
  );
  assert.equal(verdict()?.why, "liveness probe failed: exit code 3: not today");
  assert.deepEqual(woken, ["websocket/web"]);
  const once = "Unhealthy: Liveness probe failed: exit code 3: not today";
  assert.deepEqual(words(events), [once, once]);
});

test("a probe that the engine cannot run has no result", async () => {
  const { clock, events, woken, live, verdict } = bench({ probes: { livenessProbe: probe } });
  live.exec = unavailable;
  await clock.pass(120_000);
  assert.deepEqual([verdict()?.live, events, woken], [true, [], []]);
});

test("a probe program that hangs counts as failed, and no second one is started while it lives", async () => {
  const { clock, execs, live, verdict, follow, observed } = bench({ probes: { livenessProbe: probe } });
  live.exec = async (signal) => never(signal).catch(() => unavailable());
  follow();
  await clock.pass(21_000);
  assert.equal(execs.length, 1);
  assert.equal(verdict()?.why, "liveness probe failed: /bin/check has not ended within 2 s");
  assert.deepEqual(follow({ observed: [] }), {});
  assert.equal(observed.state.kind, "running");
});

test("a hanging engine is not taken for a hanging container", async () => {
  const { clock, live, verdict, follow } = bench({ probes: { livenessProbe: probe } });
  live.exec = async (signal) => never(signal).catch(() => unavailable());
  live.isAlive = async (signal) => never(signal).catch(() => unavailable());
  follow();
  await clock.pass(300_000);
  assert.equal(verdict()?.live, true);
});

test("a probe program that ended unknown to the engine does not count as hanging", async () => {
  const { clock, execs, live, verdict } = bench({ probes: { livenessProbe: probe } });
  live.exec = async (signal) => never(signal).catch(() => unavailable());
  live.isAlive = async () => ok(false);
  verdict();
  await clock.pass(300_000);
  assert.deepEqual([verdict()?.live, execs.length], [true, 1]);
});

test("a probe program that the engine did not start yet has not failed", async () => {
  const { clock, execs, live, verdict } = bench({ probes: { livenessProbe: probe } });
  live.begins = false;
  live.exec = async (signal) => never(signal).catch(() => unavailable());
  verdict();
  await clock.pass(300_000);
  assert.deepEqual([verdict()?.live, execs.length], [true, 1]);
});

test("a container in which the engine begins no program is looked at, and again at each later probe", async () => {
  const { clock, woken, live, follow } = bench({ probes: { readinessProbe: probe } });
  follow();
  await clock.pass(5_000);
  woken.splice(0);
  live.begins = false;
  live.exec = async (signal) => never(signal).catch(() => unavailable());
  await clock.pass(7_500);
  assert.deepEqual(woken, ["websocket/web"]);
  await clock.pass(30_000);
  assert.equal(woken.length, 3);
});

test("a container runs one probe program at a time", async () => {
  const { clock, execs, live, follow } = bench({ probes: { livenessProbe: probe, readinessProbe: probe } });
  let running = 0;
  let most = 0;
  live.exec = async () => {
    running += 1;
    most = Math.max(most, running);
    await clock.sleep(700);
    running -= 1;
    return ok({ exitCode: 0, output: "" });
  };
  follow();
  await clock.pass(35_000);
  assert.equal(most, 1);
  assert.equal(execs.length, 8);
});

test("a readiness verdict changes both ways, and each change wakes the pod", async () => {
  const { clock, behave, requests, woken, verdict } = bench({ probes: { readinessProbe: web } });
  const answers = (does: HttpBehaviour | null) => behave(() => does);
  const status = (code: number): HttpBehaviour => ({ answer: { ok: true, status: code }, afterMs: 5 });
  assert.equal(verdict()?.ready, null);
  answers(status(399));
  await clock.pass(10);
  assert.equal(verdict()?.ready, true);
  for (const does of [status(400), "hangs", null] as const) {
    answers(does);
    await clock.pass(10_000);
  }
  await clock.pass(3_000);
  assert.equal(verdict()?.ready, false);
  answers(status(200));
  await clock.pass(10_000);
  assert.equal(verdict()?.ready, true);
  assert.equal(woken.length, 3);
  assert.deepEqual(requests()[0], { path: "/ready", port: 8080, scheme: "HTTP", host: "172.17.0.2" });
});

test("a readiness that goes on failing is one series of events", async () => {
  const { clock, events, live, follow } = bench({ probes: { readinessProbe: probe } });
  live.exec = failing;
  follow();
  await clock.pass(119_000);
  const [failed, still] = ["failed", "still fails"].map(
    (how) => `Unhealthy: Readiness probe ${how}: exit code 3: not today`,
  );
  assert.deepEqual(words(events), [failed, failed, still, still]);
});

test("a pod in the host's network is probed at the device's address, or at the host that its probe names", async () => {
  const there = bench({ probes: { readinessProbe: web }, hostNetwork: true });
  there.follow();
  await there.clock.pass(10);
  assert.equal(there.requests()[0]?.host, "10.0.0.9");
  const httpGet = { ...web.httpGet, host: "127.0.0.1" };
  const named = bench({ probes: { readinessProbe: { ...web, httpGet } } });
  named.follow();
  await named.clock.pass(10);
  assert.equal(named.requests()[0]?.host, "127.0.0.1");
});

test("the initial delay counts from the start of the container, also over a restart of the agent", async () => {
  for (const [ranMs, first] of [
    [0, 30_000],
    [10_000, 20_000],
    // The delay is over: a random part of the period, so that not all are asked at once.
    [60_000, 5_000],
  ] as const) {
    const { clock, execs, began, follow } = bench({
      probes: { livenessProbe: { ...probe, initialDelaySeconds: 30 } },
      ranMs,
    });
    follow();
    await clock.pass(31_000);
    assert.equal((execs[0] ?? 0) - began, first, `ran ${ranMs} ms`);
  }
});

test("a container that is gone, ended or of another specification is not probed", async () => {
  for (const changes of [{ observed: [] }, { desired: null }, { otherSpec: true as const }] as const) {
    const { clock, execs, follow, observed } = bench({ probes: { livenessProbe: probe } });
    if ("otherSpec" in changes) follow({ observed: [{ ...observed, specHash: "0".repeat(16) }] });
    else {
      follow();
      await clock.pass(1_000);
      follow(changes);
      assert.equal(execs.splice(0).length, 1);
    }
    await clock.pass(60_000);
    assert.deepEqual(execs, []);
  }
});

test("a container is probed by its own specification while an update waits for its image", async () => {
  const { clock, execs, follow, desired } = bench({ probes: { livenessProbe: probe } });
  follow();
  await clock.pass(1_000);
  const containers = desired.pod.spec.containers.map((one) => ({ ...one, image: "app:2" }));
  const newer = { ...desired, pod: withSpec(desired.pod, { ...desired.pod.spec, containers }) };
  assert.notDeepEqual(follow({ desired: newer }), {});
  await clock.pass(30_000);
  assert.equal(execs.length, 4);
});

test("a deleted pod is probed for readiness until it ends, and not for liveness", async () => {
  const { clock, behave, requests, execs, follow, observed } = bench({
    probes: { livenessProbe: probe, readinessProbe: web },
  });
  behave(() => ({ answer: { ok: true, status: 200 }, afterMs: 5 }));
  follow();
  await clock.pass(1_000);
  assert.equal(follow({ isDeleted: true })[observed.id]?.ready, true);
  behave(() => ({ answer: { ok: true, status: 503 }, afterMs: 5 }));
  await clock.pass(30_000);
  assert.equal(follow({ isDeleted: true })[observed.id]?.ready, false);
  assert.deepEqual([execs.length, requests().length], [1, 4]);
});

test("an agent that starts during a grace period probes only the readiness", async () => {
  const { clock, behave, requests, execs, follow } = bench({ probes: { livenessProbe: probe, readinessProbe: web } });
  behave(() => ({ answer: { ok: true, status: 200 }, afterMs: 5 }));
  follow({ isDeleted: true });
  await clock.pass(25_000);
  assert.deepEqual([execs.length, requests().length], [0, 3]);
});

test("an HTTP probe whose body stalls or breaks off has no result", async () => {
  const { clock, behave, requests, events, verdict } = bench({ probes: { livenessProbe: web } });
  const message = "The body of the answer with status 500 broke off";
  const cutOff = (afterMs: number) => behave(() => ({ answer: { ok: false, message, isCutOff: true }, afterMs }));
  verdict();
  cutOff(5);
  await clock.pass(60_000);
  cutOff(10_000);
  await clock.pass(60_000);
  assert.ok(requests().length >= 12);
  assert.deepEqual([verdict()?.live, events], [true, []]);
});

test("a container started again by hand begins with no failed probes", async () => {
  const { clock, live, verdict, follow, observed } = bench({ probes: { livenessProbe: probe } });
  live.exec = failing;
  follow();
  await clock.pass(21_000);
  assert.equal(verdict()?.live, false);
  const again = { ...observed, state: { kind: "running", startedAt: "2026-11-22T12:01:00Z" } } as const;
  assert.equal(follow({ observed: [again] })[observed.id]?.live, true);
});

test("a probe result that arrived within the timeout is not late, although it is read after it", async () => {
  for (const [tookMs, late] of [
    [1_999, false],
    [2_000.5, false],
    [2_002, true],
  ] as const) {
    const { clock, live, verdict } = bench({ probes: { readinessProbe: probe } });
    live.exec = async () => {
      await clock.sleep(tookMs);
      return ok({ exitCode: 0, output: "" });
    };
    verdict();
    await clock.pass(5_000);
    assert.equal(verdict()?.ready, late ? null : true, `${tookMs} ms`);
  }
});

test("a probe result during which the loop stood still is ignored", async () => {
  const { clock, live, verdict, follow } = bench({ probes: { livenessProbe: probe } });
  const stalls: (() => number)[] = [];
  const mono = clock.mono;
  let jump = 0;
  clock.mono = () => mono() + jump;
  live.exec = async () => {
    await clock.sleep(150);
    jump += stalls.shift()?.() ?? 0;
    return failing();
  };
  follow();
  for (let probes = 0; probes < 10; probes += 1) stalls.push(() => 400);
  await clock.pass(80_000);
  assert.equal(verdict()?.live, true);
  stalls.splice(0);
  await clock.pass(60_000);
  assert.equal(verdict()?.live, false);
});

test("a probe that throws is recorded and runs again at its next time", async () => {
  const { clock, execs, failures, follow, live, prober, verdict } = bench({ probes: { livenessProbe: probe } });
  const stop = new AbortController();
  const ended = prober.run(stop.signal);
  live.exec = () => Promise.reject(new Error("a bug"));
  follow();
  await clock.pass(25_000);
  assert.ok(execs.length >= 2);
  assert.deepEqual([failures[0], verdict()?.live], ["websocket/web Error: a bug", true]);
  stop.abort();
  await ended;
});

test("the prober ends if the disk of the store fails", async () => {
  const broken = bench({ probes: { livenessProbe: probe } });
  broken.live.exec = () => Promise.reject(storeError("broken", "disk I/O error"));
  broken.follow();
  const failed = assert.rejects(broken.prober.run(new AbortController().signal), /disk I\/O error/);
  await broken.clock.pass(1_000);
  await failed;
});

test("the end of the prober stops every probe and timer", async () => {
  const { clock, execs, follow, prober } = bench({ probes: { livenessProbe: probe } });
  const stop = new AbortController();
  const ended = prober.run(stop.signal);
  follow();
  await clock.pass(1_000);
  stop.abort();
  await ended;
  execs.splice(0);
  await clock.pass(60_000);
  assert.deepEqual(execs, []);
});

test("a container that is unknown or paused is not probed and keeps its verdicts", async () => {
  const { clock, execs, live, follow, observed } = bench({ probes: { livenessProbe: probe, readinessProbe: probe } });
  follow();
  await clock.pass(1_000);
  assert.equal(follow()[observed.id]?.ready, true);
  const asked = execs.length;
  live.exec = failing;
  for (const state of [{ kind: "unknown" }, { ...observed.state, kind: "running", paused: true }] as const) {
    const held = [{ ...observed, state }] as readonly ObservedContainer[];
    assert.deepEqual(follow({ observed: held })[observed.id], { ready: true, live: true, why: "" });
    await clock.pass(120_000);
    assert.equal(execs.length, asked);
    assert.equal(follow({ observed: held })[observed.id]?.live, true);
  }
  follow();
  await clock.pass(30_000);
  assert.equal(follow()[observed.id]?.live, false);
});
