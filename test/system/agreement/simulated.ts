import assert from "node:assert/strict";
import { parseIdentity } from "../../../src/core/pod/identity.ts";
import { liveCommand, livePeriodSeconds, readyCommand } from "../../simulation/world/programs.ts";
import { createWorld, images, type World } from "../../simulation/world/world.ts";
import { type Outcome, outcomeOf, type ReportedEntry, type RunningContainer } from "./outcome.ts";
import { type Device, specOf, type ToContainer } from "./scenario.ts";

export interface SimulatedDevice extends Device {
  /** How things stand after ten minutes in which nothing happens. */
  settled(): Promise<Outcome>;
}

const image = { user: "65534", architecture: "amd64", volumes: [] } as const;
const answerMs = 60_000;
const settledMs = 600_000;
const livenessProbe = { exec: { command: [liveCommand] }, periodSeconds: livePeriodSeconds, timeoutSeconds: 2 };
const readinessProbe = { exec: { command: [readyCommand] }, periodSeconds: 5 };

/** The device of the simulation: the agent on fakes, in virtual time. */
export function simulatedDevice(seed: number, liveRestore: boolean): SimulatedDevice {
  const world = createWorld(seed, { liveRestore });
  const { host, center, clock } = world;
  for (const [id, name] of Object.entries(images)) host.addImage(name, { id: `sha256:${id}`, ...image });
  let report: readonly ReportedEntry[] = [];
  const answers = new Map<string, string>();

  function hear(): void {
    for (const text of center.take()) {
      const { header, route, content } = JSON.parse(text);
      if (route.resource === "websocket/podstatus") report = content;
      if (header.parent_msg_id !== "") answers.set(header.parent_msg_id, String(content));
    }
  }

  async function connected(): Promise<void> {
    assert.ok(await clock.passUntil(() => center.connected(), answerMs), "the simulated agent connects");
  }

  return {
    async ask(texts) {
      await connected();
      const ids = texts.map((text): string => JSON.parse(text).header.msg_id);
      hear();
      // Of a repeat the answer from before does not count.
      for (const id of ids) answers.delete(id);
      for (const text of texts) center.deliver(text);
      const came = await clock.passUntil(() => {
        hear();
        return ids.every((id) => answers.has(id));
      }, answerMs);
      assert.ok(came, "the simulated agent answers");
      return ids.map((id) => answers.get(id) ?? "");
    },
    dress: (pod) =>
      specOf(pod, ({ liveness, readiness }) => ({
        ...(liveness ? { livenessProbe } : {}),
        ...(readiness ? { readinessProbe } : {}),
      })) as Record<string, unknown>,
    async toContainer(happens, pod, container) {
      toContainer(world, happens, pod, container);
    },
    async centerAway() {
      center.answerDials({ code: "refused", message: "connect ECONNREFUSED" });
      center.cut();
      await clock.pass(2_000);
      center.answerDials("open");
      await connected();
    },
    async engineAway(how) {
      host.down(how);
      await clock.pass(2_000);
      host.up();
    },
    hang(what, on) {
      if (what === "containerd") return host.hangContainerd(on);
      return on ? host.freeze() : host.thaw();
    },
    pass: (ms) => clock.pass(ms),
    async endAgent(how) {
      const process = world.process();
      if (how === "kill") return process.kill();
      void process.stop();
      assert.ok(await clock.passUntil(() => !process.alive(), answerMs), "the simulated agent stops");
    },
    async startAgent() {
      await world.restart({ powerCut: false });
      await connected();
    },
    async loseData() {
      world.device.folders.clear();
      world.device.configMaps.clear();
      await world.restart({ powerCut: false, dataLost: true });
      await connected();
    },
    async settled() {
      await clock.pass(settledMs);
      hear();
      const failure = world.process().failure();
      if (failure !== null) throw failure;
      return outcomeOf(report, runningOf(world));
    },
  };
}

function runningOf({ host }: World): readonly RunningContainer[] {
  return host.running().flatMap(({ name, labels, request }) => {
    const identity = parseIdentity(name, labels);
    if (identity === null || request === null) return [];
    const { pod, container, attempt } = identity;
    const spec = request.pod.spec.containers.find((one) => one.name === container);
    const version = spec?.env?.find((one) => one.name === "VERSION")?.value ?? null;
    return [{ pod: pod.name, uid: pod.uid, container, attempt, version }];
  });
}

/** What is done to a running container, by its id. */
const done: Readonly<Record<ToContainer, (world: World, id: string) => void>> = {
  endsWell: ({ host }, id) => host.kill(id, 0),
  endsBadly: ({ host }, id) => host.kill(id, 1),
  isRemoved: ({ host }, id) => host.removeByHand(id),
  sickens: ({ programs }, id) => programs.sicken(id, "fails"),
  isBusy: ({ programs }, id) => programs.busy(id, true),
  isFree: ({ programs }, id) => programs.busy(id, false),
};

function toContainer(world: World, happens: ToContainer, pod: string, container: string): void {
  const running = world.host.running();
  const its = running.find(({ request }) => request?.pod.id.name === pod && request.container === container);
  assert.ok(its !== undefined, `${pod}/${container} runs in the simulation`);
  done[happens](world, its.id);
}
