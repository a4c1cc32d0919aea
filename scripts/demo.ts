// `npm run demo`: everything from nothing. Builds the program, starts a Docker engine, a central node and an agent, and
// shows one pod through its life, link cut and agent killed included. Exit 0 when every step saw what it expects.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Docker from "dockerode";
import type { Config } from "../src/core/config/config.ts";
import type { StatusDocument } from "../src/core/status-document.ts";
import { bundleFile, bundleModule } from "./bundle.ts";
import { debianPackages, install } from "./installer.ts";
import { engineNeeds } from "./packages.ts";
import { closeOnSignal, startTestEngine, type TestEngine } from "./private-engine.ts";
import { createSite, killSite, nodeName, type ReportedPod, type Site } from "./site.ts";
import { loadTestImages, testImages } from "./test-images.ts";

type Show = {
  readonly engine: TestEngine;
  readonly docker: Docker;
  readonly site: Site;
  readonly port: number;
};

const uid = randomUUID();
const name = "greeter";
const hostPort = 18_080;
const pod = {
  metadata: { name, namespace: "websocket", uid, resourceVersion: "1" },
  spec: {
    containers: [
      {
        name: "app",
        image: testImages.greeter,
        ports: [{ containerPort: 8080, hostPort, protocol: "TCP", hostIP: "127.0.0.1" }],
        resources: { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "100m", memory: "16Mi" } },
      },
    ],
    restartPolicy: "Always",
  },
};

const say = (line: string): void => console.log(`   ${line}`);
const began = performance.now();

/** Runs one step under its heading. */
async function step(title: string, work: () => Promise<void>): Promise<void> {
  console.log(`\n${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${title}`);
  await work();
}

function check(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(sentence);
}

async function build(): Promise<void> {
  await bundleModule(bundleFile);
  say(bundleFile);
}

async function connect({ engine, docker, site }: Omit<Show, "port">): Promise<number> {
  const { Version, ApiVersion } = await docker.version();
  const port = await site.startCenter(0);
  say(`edge center --listen 127.0.0.1:${port} --tls ${site.place.tls}`);
  say(`A device without a certificate  ->  ${dialBare(engine, site, port)}`);
  site.startAgent(port);
  const { center } = JSON.parse(readFileSync(site.place.config, "utf8")) as Pick<Config, "center">;
  say(`edge run, with center.url ${center.url}`);
  say(`  and center.tls ${JSON.stringify(center.tls).replaceAll(site.place.tls, "…")}`);
  await site.until(() => site.reported() !== null, "the first podstatus of the agent");
  say(`Connected, each by the other's certificate; the first podstatus is ${JSON.stringify(site.reported())}`);
  say(`Docker ${Version}, API ${ApiVersion}`);
  return port;
}

/** What the center answers to a dial that shows no certificate. TLS 1.2, where that is part of the handshake. */
function dialBare(engine: TestEngine, site: Site, port: number): string {
  const peer = ["-connect", `127.0.0.1:${port}`, "-CAfile", join(site.place.tls, "ca.pem")];
  const [program, ...args] = engine.command("openssl", "s_client", "-tls1_2", ...peer);
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8", input: "", timeout: 30_000 });
  const alert = /alert [a-z ]+/.exec(stderr)?.[0];
  check(status !== 0 && alert !== undefined, `The center should refuse a device without a certificate: ${stderr}`);
  return alert ?? "";
}

async function accept(show: Show): Promise<void> {
  const { site } = show;
  const sent = performance.now();
  const reply = await site.send(JSON.stringify(pod));
  check(reply.content === "OK", `The pod update should be accepted; the reply is ${JSON.stringify(reply.content)}`);
  say(`update websocket/pod/${name}  ->  reply OK after ${sinceMs(sent)} ms: it is on disk`);
  await site.until(() => isRunning(podIn(site)), "a podstatus with the pod Running");
  const id = await containerId(show);
  say(`podstatus after ${sinceMs(sent)} ms: ${describe(podIn(site))}, container ${id.slice(0, 12)}`);
  await site.until(() => ask(show) === "hello", `the pod to say hello on 127.0.0.1:${hostPort}`);
  say(`nc 127.0.0.1 ${hostPort}  ->  hello`);
}

/** What the pod says on its port. */
function ask({ engine }: Show): string {
  const [program, ...args] = engine.command("busybox", "nc", "-w", "5", "127.0.0.1", String(hostPort));
  return spawnSync(program, args, { encoding: "utf8", input: "" }).stdout.trim();
}

async function refuse(show: Show): Promise<void> {
  const { site } = show;
  const other = "breaker";
  const container = {
    name: "App_1",
    image: `${testImages.busybox}@sha256:0`,
    ports: [{ containerPort: 80, hostPort: 80, protocol: "TCP", hostIP: "0.0.0.0" }],
    securityContext: { privileged: true },
    resources: { requests: { cpu: "10m", memory: "8Mi" } },
  };
  const spec = { containers: [container], initContainers: [container], hostNetwork: true };
  const reply = await site.send(JSON.stringify({ metadata: { name: other }, spec }));
  const content = String(reply.content);
  check(content.startsWith("FAILED: "), `A pod that breaks rules should be refused; the reply is ${content}`);
  const violations = content.slice("FAILED: ".length).split("; spec.");
  say(`reply FAILED, ${violations.length} violations:`);
  for (const [index, one] of violations.entries()) say(`  - ${index === 0 ? one : `spec.${one}`}`);
  const made = (await containers(show.docker)).filter(({ Names }) => Names.some((one) => one.includes(other)));
  check(made.length === 0, "A refused pod should leave nothing on the engine");
  say("Containers created for it: 0");
}

async function status({ site }: Pick<Show, "site">): Promise<void> {
  await waitForStatus(site, ({ pods }) => pods[0]?.status === "Running", "edge status to show the pod running");
  const { code, out } = await site.run("status", "--config", site.place.config);
  say("$ edge status");
  for (const line of out.split("\n")) say(`  ${line}`.trimEnd());
  say(`  (exit ${code})`);
}

async function offline(show: Show): Promise<void> {
  const { site, docker } = show;
  await site.end("center", "SIGKILL");
  say("Center killed");
  await waitForStatus(site, ({ center }) => center.state === "offline", "edge status to say offline");
  const before = await containerId(show);
  await docker.getContainer(before).kill();
  say(`Container ${before.slice(0, 12)} killed by hand`);
  await site.until(async () => {
    const [now] = await running(show);
    return now !== undefined && now.Id !== before;
  }, "the container to come back");
  await waitForStatus(site, ({ pods }) => pods[0]?.restarts === 1, "edge status to count the restart");
  say(`Container ${(await containerId(show)).slice(0, 12)} replaced it while the center was offline`);
}

async function adopt(show: Show): Promise<void> {
  const { site, docker, port } = show;
  const before = await docker.getContainer(await containerId(show)).inspect();
  const pid = site.pid("agent");
  await site.end("agent", "SIGKILL");
  say(`Agent ${pid} killed with SIGKILL`);
  const { code, out } = await site.run("status", "--config", site.place.config);
  check(code === 1, `edge status should exit 1 while no agent runs; it exited ${code}`);
  for (const line of out.split("\n").filter((one) => /^(Agent|Engine)|greeter/.test(one))) say(`  ${line}`);
  site.startAgent(port);
  await waitForStatus(site, ({ agent, engine }) => agent.running && engine.state === "ready", "the agent to be back");
  const after = await docker.getContainer(await containerId(show)).inspect();
  check(after.Id === before.Id, `The same container should run on; it is ${after.Id}, was ${before.Id}`);
  check(after.State.StartedAt === before.State.StartedAt, "The container should not have been started again");
  say(`Agent ${site.pid("agent")} took over: the same container ${after.Id.slice(0, 12)}, the same start time`);
}

async function reconnect({ site, port }: Show): Promise<void> {
  const seen = site.recorded().length;
  await site.startCenter(port);
  say("Center started again");
  await site.until(() => isRunning(podIn(site, seen)), "a podstatus after the reconnect");
  say(`The agent reconnected by itself; podstatus: ${describe(podIn(site, seen))}`);
  await waitForStatus(site, ({ center }) => center.state === "online", "edge status to say online");
  say("edge status: Center online");
  const parents = site
    .recorded()
    .map(({ header }) => header.parent_msg_id)
    .filter((parent) => parent !== "");
  check(new Set(parents).size === parents.length, "No message should be answered twice");
  say(`Replies the center has received: ${parents.length}, each once`);
}

async function remove(show: Show): Promise<void> {
  const { site } = show;
  const message = {
    header: { msg_id: randomUUID(), parent_msg_id: "", timestamp: Date.now(), sync: true, resourceversion: "" },
    route: { source: "controller", group: "resource", operation: "delete", resource: `websocket/pod/${name}` },
    content: pod,
  };
  const sent = performance.now();
  const reply = await site.send(JSON.stringify(message));
  check(reply.content === "OK", `The delete should be accepted; the reply is ${JSON.stringify(reply.content)}`);
  const ended = () => podIn(site)?.status.phase === "Succeeded";
  await site.until(ended, "the pod's final status");
  say(`reply OK; its final status after ${sinceMs(sent)} ms: ${describe(podIn(site))}`);
  await site.until(async () => (await ownContainers(show)).length === 0, "the pod's containers to be removed");
  say(`No container of it is left after ${sinceMs(sent)} ms`);
  await site.until(() => site.reported()?.length === 0, "an empty podstatus");
  say(`podstatus after ${sinceMs(sent)} ms: []`);
}

async function statusDocument(site: Site): Promise<StatusDocument> {
  const { out } = await site.run("status", "--json", "--config", site.place.config);
  return JSON.parse(out) as StatusDocument;
}

async function waitForStatus(site: Site, holds: (document: StatusDocument) => boolean, what: string): Promise<void> {
  await site.until(async () => holds(await statusDocument(site)), what);
}

function containers(docker: Docker) {
  return docker.listContainers({ all: true });
}

async function ownContainers({ docker }: Pick<Show, "docker">) {
  return (await containers(docker)).filter(({ Labels }) => Labels["io.kubernetes.pod.uid"] === uid);
}

async function running(show: Show) {
  return (await ownContainers(show)).filter(({ State }) => State === "running");
}

async function containerId(show: Show): Promise<string> {
  const found = await running(show);
  check(found.length === 1, `One container of the pod should run; there are ${found.length}`);
  return found[0]?.Id ?? "";
}

function podIn(site: Site, skip = 0): ReportedPod | undefined {
  return site.reported(skip)?.find(({ UID }) => UID === uid);
}

function isRunning(one: ReportedPod | undefined): boolean {
  return one?.status.containerStatuses?.[0]?.state.running !== undefined;
}

function describe(one: ReportedPod | undefined): string {
  const container = one?.status.containerStatuses?.[0];
  return `${one?.status.phase}, ready ${container?.ready}, restartCount ${container?.restartCount}`;
}

function sinceMs(start: number): string {
  return (performance.now() - start).toFixed(0);
}

/** What stood on the engine before is left there: on an engine that is not ours we remove only what we made. */
async function cleaner(engine: TestEngine, docker: Docker, site: Site): Promise<() => Promise<void>> {
  const before = new Set((await docker.listImages({ all: true })).flatMap(({ RepoTags }) => RepoTags ?? []));
  const ours = Object.values(testImages).filter((tag) => !before.has(tag));
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    killSite(site);
    await site.close();
    for (const { Id } of await ownContainers({ docker }))
      await docker.getContainer(Id).remove({ force: true, v: true });
    for (const tag of ours)
      await docker
        .getImage(tag)
        .remove()
        .catch(() => undefined);
    await engine.close();
  };
  return () => (closed ??= close());
}

async function main(): Promise<void> {
  console.log("After the installation the demo takes about 20 s. It removes everything that it starts.");
  install([debianPackages([...engineNeeds(), "certificates"])], console.log);
  await step("Build", build);
  let engine: TestEngine | undefined;
  await step("Docker engine", async () => {
    engine = await startTestEngine(say);
  });
  if (engine === undefined) return;
  const docker = new Docker({ socketPath: engine.socket });
  const site = createSite(engine, { tls: true });
  const close = await cleaner(engine, docker, site);
  closeOnSignal(close);
  try {
    await loadTestImages(engine.socket);
    say(`Image ${testImages.greeter} loaded`);
    await life(engine, docker, site);
  } finally {
    await step("Clean up", close);
    say("Agent, center, containers and images removed");
  }
}

async function life(engine: TestEngine, docker: Docker, site: Site): Promise<void> {
  let port = 0;
  await step(`Central node and agent ${nodeName}, mutual TLS`, async () => {
    port = await connect({ engine, docker, site });
  });
  const show: Show = { engine, docker, site, port };
  await step("A pod update", () => accept(show));
  await step("A pod that breaks rules", () => refuse(show));
  await step("What an operator sees", () => status(show));
  await step("The link is cut, and a container dies", () => offline(show));
  await step("What an operator sees now", () => status(show));
  await step("The agent is killed as well", () => adopt(show));
  await step("The center is back", () => reconnect(show));
  await step("The pod is deleted", () => remove(show));
}

try {
  await main();
  console.log(`\nDemo passed in ${((performance.now() - began) / 1000).toFixed(1)} s`);
} catch (error) {
  console.error(`\nDemo FAILED: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
