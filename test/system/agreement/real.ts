import assert from "node:assert/strict";
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { PrivateEngine } from "../../../scripts/private-engine.ts";
import { waitUntil } from "../../../scripts/processes.ts";
import { parseIdentity } from "../../../src/core/pod/identity.ts";
import { livePeriodSeconds } from "../../simulation/world/programs.ts";
import type { Site } from "../harness.ts";
import { type Outcome, outcomeOf, type RunningContainer } from "./outcome.ts";
import { type Device, specOf, type ToContainer } from "./scenario.ts";

export interface RealDevice extends Device {
  /** How things stand now. */
  outcome(): Promise<Outcome>;
}

/** Ends with the code that it is asked for, by a signal; whether it is well is in a file. */
const program = `rm -f /flags/sick-$NAME /flags/busy-$NAME
trap "exit $TERM_CODE" TERM
trap 'exit 0' USR1
trap 'exit 1' USR2
touch /flags/up-$NAME
while :; do sleep 3600 & wait $!; done
`;
const signalMs = 10_000;

/** The built agent and the dev center as processes, and a Docker engine of their own. */
export function realDevice(site: Site, engine: PrivateEngine, liveRestore: boolean): RealDevice {
  const { command, volumes, volumeMounts } = site.script("program.sh", program);
  const probe = (name: string, line: string): object => {
    site.script(name, `#!/bin/sh\n${line}\n`);
    chmodSync(join(site.hostFolder, name), 0o755);
    return { exec: { command: [`/host/${name}`] } };
  };
  const livenessProbe = {
    ...probe("live.sh", "[ ! -e /flags/sick-$NAME ]"),
    periodSeconds: livePeriodSeconds,
    timeoutSeconds: 2,
  };
  const readinessProbe = { ...probe("ready.sh", "[ ! -e /flags/busy-$NAME ]"), periodSeconds: 5 };

  return {
    async ask(texts) {
      // It finds them all at once, in the order in which they were sent.
      if (texts.length > 1) site.freeze("agent");
      const asked: ReturnType<Site["ask"]>[] = [];
      for (const text of texts) {
        asked.push(site.ask(text));
        // Each goes to the center on a connection of its own.
        if (texts.length > 1) await sleep(200);
      }
      site.thaw("agent");
      return (await Promise.all(asked)).map(({ content }) => String(content));
    },
    dress(pod) {
      const spec = specOf(pod, ({ liveness, readiness }) => ({
        command,
        volumeMounts: [...volumeMounts, { name: "flags", mountPath: "/flags", readOnly: false }],
        ...(liveness ? { livenessProbe } : {}),
        ...(readiness ? { readinessProbe } : {}),
      }));
      return { ...spec, volumes: [...volumes, { name: "flags", emptyDir: {} }] };
    },
    toContainer: (happens, pod, container) => toContainer(site, happens, pod, container),
    async centerAway() {
      await site.killCenter();
      await site.startCenter();
      await site.online();
    },
    async engineAway(how) {
      await (how === "stop" ? engine.stop() : engine.kill());
      await engine.start({ liveRestore });
    },
    hang(what, on) {
      if (what === "engine") return on ? engine.freeze() : engine.thaw();
      return on ? engine.freezeContainerd() : engine.thawContainerd();
    },
    pass: (ms) => sleep(ms),
    endAgent: (how) => site.endAgent(how === "kill" ? "SIGKILL" : "SIGTERM"),
    async startAgent() {
      await site.startAgent();
      await site.online();
    },
    async loseData() {
      await site.endAgent("SIGKILL");
      rmSync(site.dataDir, { recursive: true });
      await site.startAgent();
      await site.online();
    },
    async outcome() {
      const running = (await site.containers()).filter(({ State }) => State.Running);
      return outcomeOf(site.latest() ?? [], running.flatMap(runningOf));
    },
  };
}

function runningOf({ Name, Config }: Docker.ContainerInspectInfo): readonly RunningContainer[] {
  const identity = parseIdentity(Name.replace(/^\//, ""), Config.Labels);
  if (identity === null) return [];
  const { pod, container, attempt } = identity;
  // The engine tells no list where the image and the request have none.
  const env = (Config.Env as readonly string[] | null) ?? [];
  const version = env.find((one) => one.startsWith("VERSION="))?.slice("VERSION=".length) ?? null;
  return [{ pod: pod.name, uid: pod.uid, container, attempt, version }];
}

async function toContainer(site: Site, happens: ToContainer, pod: string, name: string): Promise<void> {
  const all = (await site.containers()).filter(({ State }) => State.Running);
  const found = all.find((one) => runningOf(one).some((its) => its.pod === pod && its.container === name));
  assert.ok(found !== undefined, `${pod}/${name} runs on the engine`);
  const container = site.docker.getContainer(found.Id);
  const run = async (...Cmd: readonly string[]): Promise<void> => {
    const exec = await container.exec({ Cmd: [...Cmd] });
    await exec.start({ Detach: true });
    await waitUntil(async () => !(await exec.inspect()).Running, signalMs);
    assert.equal((await exec.inspect()).ExitCode, 0, `${Cmd.join(" ")} in ${pod}/${name}`);
  };
  const ended = async (): Promise<boolean> => !(await container.inspect().catch(() => null))?.State.Running;
  const signal = async (which: string): Promise<void> => {
    // Until it has its traps the first process of a container hears no signal.
    const came = await waitUntil(async () => {
      if (await ended()) return true;
      await container.kill({ signal: which }).catch(String);
      return false;
    }, signalMs);
    assert.ok(came, `${pod}/${name} ends after ${which}`);
  };
  switch (happens) {
    case "endsWell":
      return signal("SIGUSR1");
    case "endsBadly":
      return signal("SIGUSR2");
    case "isRemoved":
      return container.remove({ force: true });
    case "sickens":
      return run("/bin/touch", `/flags/sick-${name}`);
    case "isBusy":
      return run("/bin/touch", `/flags/busy-${name}`);
    case "isFree":
      return run("/bin/rm", "-f", `/flags/busy-${name}`);
    default:
      return happens satisfies never;
  }
}
