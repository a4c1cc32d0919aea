import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ContainerInspectInfo } from "dockerode";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { sandboxImage } from "../../src/docker/sandbox-image.ts";
import { podContent, podDelete, podUpdate } from "../samples/messages.ts";
import { createSite, type Entry, ids } from "./harness.ts";
import { freePort } from "./sockets.ts";

const site = createSite(sharedEngine());
let messages = 0;

/** Ends with 0 as soon as it is asked to. */
const forever = site.script("forever.sh", "trap 'exit 0' TERM\nwhile true; do sleep 1 & wait $!; done\n");
const { volumes } = forever;
const uidOf = (name: string): string =>
  `33333333-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;

type Part = Readonly<Record<string, unknown>> & { readonly name: string };

function part(name: string, changes: Readonly<Record<string, unknown>> = {}): Part {
  const { spec } = podContent({ name, uid: "" }) as { readonly spec: { readonly containers: readonly [object] } };
  const { command, volumeMounts } = forever;
  return { ...spec.containers[0], command, volumeMounts, ...changes, name };
}

async function update(name: string, containers: readonly Part[], restartPolicy = "Always"): Promise<void> {
  messages += 1;
  const msgId = `30000000-0000-4000-8000-${String(messages).padStart(12, "0")}`;
  const spec = { volumes, restartPolicy, containers };
  const reply = await site.ask(podUpdate({ name, uid: uidOf(name), msgId, resourceVersion: String(messages), spec }));
  assert.equal(reply.content, "OK");
}

const allRun =
  (count: number) =>
  ({ status }: Entry): boolean =>
    status.containerStatuses.length === count &&
    status.containerStatuses.every(({ state }) => state.running !== undefined);

/** The containers of a pod that run, the sandbox as POD, by name. */
async function live(name: string) {
  const containers = (await site.containers(uidOf(name))).filter(({ State }) => State.Running);
  const labelled = containers.map((one) => [one.Config.Labels["io.kubernetes.container.name"] ?? "", one] as const);
  assert.equal(new Set(labelled.map(([label]) => label)).size, labelled.length, "none runs twice");
  return new Map(labelled);
}

async function idOf(name: string, container: string): Promise<string> {
  return (await live(name)).get(container)?.Id ?? assert.fail(`${container} of ${name} does not run`);
}

async function settled(name: string, count: number): Promise<Entry> {
  return site.reported(uidOf(name), `${count} running containers`, allRun(count));
}

const stateOf = ({ status }: Entry, name: string) =>
  status.containerStatuses.find((one) => one.name === name) ?? assert.fail(`No status of ${name}`);

async function page(url: string): Promise<string> {
  return site.eventually(`${url} answers`, () =>
    fetch(url).then(
      (response) => response.text(),
      () => undefined,
    ),
  );
}

/** A dead sandbox stays as long as the last dead container that joined it is kept for its logs. */
function isJoinedSandbox({ Id, Name, State }: ContainerInspectInfo, all: readonly ContainerInspectInfo[]): boolean {
  const isJoined = all.some(({ HostConfig }) => HostConfig.NetworkMode === `container:${Id}`);
  return Name.startsWith("/edge_POD_") && !State.Running && isJoined;
}

describe("pods of several containers", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
  });
  after(() => site.close());

  test("three containers talk over localhost, and the sandbox publishes their ports", async () => {
    const port = async (containerPort: number) => ({
      containerPort,
      hostPort: await freePort(),
      protocol: "TCP",
      hostIP: "127.0.0.1",
    });
    const serve = (containerPort: number, text: string) => {
      const folder = `/dev/shm/${text}`;
      return site.script(
        `${text}.sh`,
        `mkdir ${folder}; echo from ${text} > ${folder}/index.html; exec httpd -f -p ${containerPort} -h ${folder}\n`,
      );
    };
    const ask = site.script(
      "ask.sh",
      "for port in 8080 8081; do until wget -q -O - http://127.0.0.1:$port/; do sleep 1; done; done\nhostname\n. /host/forever.sh\n",
    );
    const ports = [await port(8080), await port(8081)] as const;
    await update("talk", [
      part("one", { command: serve(8080, "one").command, ports: [ports[0]] }),
      part("two", { command: serve(8081, "two").command, ports: [ports[1]] }),
      part("asks", { command: ask.command }),
    ]);
    const { status } = await settled("talk", 3);
    assert.equal(status.phase, "Running");
    assert.deepEqual(
      status.containerStatuses.map(({ name }) => name),
      ["asks", "one", "two"],
    );
    const asks = await idOf("talk", "asks");
    await site.eventually("its output", async () =>
      (await site.logs(asks)).includes("from one\nfrom two\ntalk\n") ? true : undefined,
    );
    for (const [index, text] of ["one", "two"].entries()) {
      assert.equal(await page(`http://127.0.0.1:${ports[index]?.hostPort}/`), `from ${text}\n`);
    }
    const sandbox = (await live("talk")).get("POD") ?? assert.fail("It has a sandbox");
    assert.match(sandbox.Name, /^\/edge_POD_talk_websocket_/);
    assert.equal(sandbox.Image, sandboxImage(process.arch === "arm64" ? "arm64" : "amd64")?.id);
    assert.equal(status.podIP, sandbox.NetworkSettings.Networks["bridge"]?.IPAddress);
    await site.eventually("3/3 in edge status", async () =>
      (await site.row("talk"))?.ready === "3/3" ? true : undefined,
    );
  });

  test("a changed environment of one container does not change the others", async () => {
    await update("change", [part("a"), part("b")]);
    await settled("change", 2);
    const first = await live("change");
    await update("change", [part("a"), part("b", { env: [{ name: "NEW", value: "1" }] })]);
    const entry = await site.reported(
      uidOf("change"),
      "b made again",
      (one) => allRun(2)(one) && stateOf(one, "b").restartCount === 1,
    );
    assert.equal(stateOf(entry, "a").restartCount, 0);
    const second = await live("change");
    for (const name of ["POD", "a"]) assert.equal(second.get(name)?.Id, first.get(name)?.Id, name);
    assert.notEqual(second.get("b")?.Id, first.get("b")?.Id);
    assert.ok(second.get("b")?.Config.Env.includes("NEW=1"));
  });

  test("an update changes a pod from one container to three and back", async () => {
    const hostPort = await freePort();
    const ports = [{ containerPort: 8080, hostPort, protocol: "TCP", hostIP: "127.0.0.1" }];
    await update("grow", [part("a", { ports })]);
    await settled("grow", 1);
    assert.deepEqual([...(await live("grow")).keys()], ["a"]);
    await update("grow", [part("a", { ports }), part("b"), part("c")]);
    const grown = await settled("grow", 3);
    assert.deepEqual([...(await live("grow")).keys()].sort(), ["POD", "a", "b", "c"]);
    assert.equal(stateOf(grown, "a").restartCount, 1);
    await update("grow", [part("a", { ports })]);
    await settled("grow", 1);
    await site.eventually("it runs alone, and of the others no container is left", async () => {
      const all = await site.containers(uidOf("grow")).catch(() => []);
      const running = all.filter(({ State }) => State.Running);
      const isAlone = running.length === 1 && running[0]?.HostConfig.NetworkMode === "default";
      const others = all.filter(({ Name }) => !Name.startsWith("/edge_a_"));
      return isAlone && others.every((container) => isJoinedSandbox(container, all)) ? true : undefined;
    });
  });

  for (const policy of ["Always", "OnFailure", "Never"] as const) {
    test(`a dead sandbox under ${policy} is handled by the policy`, async () => {
      const name = `dead-${policy.toLowerCase()}`;
      const other = policy === "Always" ? {} : { command: ["/bin/true"] };
      await update(name, [part("runs"), part("other", other)], policy);
      await site.reported(uidOf(name), "both at work", (entry) => {
        const one = stateOf(entry, "other").state;
        return (
          stateOf(entry, "runs").state.running !== undefined &&
          (policy === "Always" ? one.running !== undefined : one.terminated?.exitCode === 0)
        );
      });
      const before = await live(name);
      await site.docker.getContainer(before.get("POD")?.Id ?? "").kill();
      if (policy === "Never") {
        const entry = await site.reported(uidOf(name), "Failed", ({ status }) => status.phase === "Failed");
        const { exitCode, reason } = stateOf(entry, "runs").state.terminated ?? assert.fail();
        assert.deepEqual([exitCode, reason], [137, "ContainerStatusUnknown"]);
        assert.equal(stateOf(entry, "other").state.terminated?.exitCode, 0);
        assert.equal((await live(name)).size, 0);
        return;
      }
      const entry = await site.reported(uidOf(name), "runs again", (one) => {
        const { state, restartCount } = stateOf(one, "runs");
        return state.running !== undefined && restartCount === 1;
      });
      assert.equal(stateOf(entry, "runs").lastState.terminated?.reason, "ContainerStatusUnknown");
      const after = await site.eventually("all that should run does", async () => {
        const now = await live(name).catch(() => undefined);
        return now?.size === (policy === "Always" ? 3 : 2) ? now : undefined;
      });
      assert.match(after.get("POD")?.Name ?? "", /_1$/);
      assert.equal(after.get("runs")?.HostConfig.NetworkMode, `container:${after.get("POD")?.Id}`);
      const again = await site.reported(
        uidOf(name),
        "the other",
        (one) => stateOf(one, "other").restartCount === (policy === "Always" ? 1 : 0),
      );
      if (policy === "OnFailure") assert.equal(stateOf(again, "other").state.terminated?.exitCode, 0);
      await site.eventually("no dead sandbox is left but the one of the last dead containers", async () => {
        const all = await site.containers(uidOf(name)).catch(() => null);
        if (all === null) return undefined;
        const dead = all.filter(({ Name, State }) => Name.startsWith("/edge_POD_") && !State.Running);
        return dead.every((container) => isJoinedSandbox(container, all)) ? true : undefined;
      });
      assert.match(site.logOf(), new RegExp(`${name}.*Stopping container runs .*its sandbox is dead`));
    });
  }

  test("a killed agent adopts its pods, and a deleted pod leaves nothing", async () => {
    const before = ids([...(await live("talk")).values(), ...(await live("change")).values()]);
    await site.endAgent("SIGKILL");
    await site.startAgent();
    await site.online();
    await settled("talk", 3);
    assert.deepEqual(ids([...(await live("talk")).values(), ...(await live("change")).values()]), before);
    messages += 1;
    const msgId = `30000000-0000-4000-8000-${String(messages).padStart(12, "0")}`;
    const reply = await site.ask(podDelete({ name: "change", uid: uidOf("change"), msgId }));
    assert.equal(reply.content, "OK");
    await site.eventually("nothing is left", async () => {
      // One may go between the list and the look at it.
      const left = await site.containers(uidOf("change")).catch(() => undefined);
      return left?.length === 0 ? true : undefined;
    });
  });
});
