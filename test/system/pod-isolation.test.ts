import assert from "node:assert/strict";
import { symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { groupsOf } from "../../src/linux/process-groups.ts";
import { podUpdate } from "../samples/messages.ts";
import { createSite, only } from "./harness.ts";
import { freePort } from "./sockets.ts";

type Fields = Readonly<Record<string, unknown>>;

const engine = sharedEngine();
/** An owner who allows more than is good, as far as the engine allows it at all. */
const careless = [
  ...["/run", "/run/**", "/var/run/**", "/var/lib/docker/**", "/var/lib/docker/modelfile/**"],
  ...[engine.folder, `${engine.folder}/**`, dirname(engine.folder)],
];
const site = createSite(engine, { policy: { capabilities: ["NET_BIND_SERVICE", "CHOWN"], runAsRoot: true } });
const sleeper = { command: ["/bin/sleep", "1000"] };
let sent = 0;

function update(name: string, spec: Fields, container: Fields = sleeper, resourceVersion = "1"): string {
  sent += 1;
  const msgId = `44444444-0000-4000-8000-${String(sent).padStart(12, "0")}`;
  return podUpdate({ name, uid: uidOf(name), msgId, resourceVersion, spec, container });
}

function uidOf(name: string): string {
  return `55555555-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;
}

function mounting(path: string): readonly [Fields, Fields] {
  const mount = { name: "data", mountPath: "/data", readOnly: true };
  return [{ volumes: [{ name: "data", hostPath: { path } }] }, { ...sleeper, volumeMounts: [mount] }];
}

/** What the device answers, and what the engine then has of the pod. */
async function refused(message: string, name: string, words: RegExp | string): Promise<void> {
  const { content } = await site.ask(message);
  assert.ok(String(content).startsWith("FAILED: "), String(content));
  if (typeof words === "string") assert.ok(String(content).includes(words), String(content));
  else assert.match(String(content), words);
  assert.equal((await site.containers(uidOf(name))).length, 0);
}

async function running(message: string, name: string) {
  const { content } = await site.ask(message);
  assert.equal(content, "OK");
  await site.reported(uidOf(name), "Running", ({ status }) => status.phase === "Running");
  return only(await site.containers(uidOf(name)));
}

before(async () => {
  await site.startCenter();
  await site.startAgent();
  await site.online();
});
after(() => site.close());

describe("a path to the engine", () => {
  const wide = createSite(engine, { policy: { hostPaths: careless } });
  before(async () => {
    await wide.startCenter();
    await wide.startAgent();
    await wide.online();
    await wide.eventually("the engine is known", () => wide.published()?.engine.state === "ready" || undefined);
  });
  after(() => wide.close());

  const ways = {
    "the parent of the usual socket": "/run",
    "the other name of that parent": "/var/run",
    "the usual socket": "/var/run/docker.sock",
    "the usual folder of the engine": "/var/lib/docker",
    "a volume in it": "/var/lib/docker/volumes",
    "its models and out again": "/var/lib/docker/modelfile/../..",
    "the socket that this engine has": engine.socket,
    "the folder of that socket": engine.folder,
    "a folder that shows it": dirname(engine.folder),
    "the folder that this engine says it has": join(engine.folder, "data"),
    "a container's files in it": join(engine.folder, "data", "overlay2"),
    "the agent's store": join(wide.folder, "data"),
    "the whole device": "//",
  };
  for (const [title, path] of Object.entries(ways)) {
    test(`${title} is rejected as a hostPath under every policy`, async () => {
      const [spec, container] = mounting(path);
      const { content } = await wide.ask(update("engine", spec, container));
      assert.match(String(content), /^FAILED: .*hostPath\.path is /);
      assert.match(String(content), path.includes("..") ? /expected/ : /no pod may see/);
      assert.equal((await wide.containers()).length, 0);
      const file = join(wide.folder, "attack.json");
      writeFileSync(file, update("engine", spec, container));
      const said = await wide.run("validate", "--json", file);
      assert.equal(said.code, 1);
      assert.match(said.stdout, /hostPath\.path is /);
    });
  }
});

test("a link to the engine's folder is accepted as a path and never mounted", async () => {
  const link = join(site.hostFolder, "link");
  symlinkSync(join(engine.folder, "data"), link);
  const { content } = await site.ask(update("linked", ...mounting(link)));
  assert.equal(content, "OK");
  const entry = await site.reported(uidOf("linked"), "waiting", ({ status }) =>
    status.containerStatuses.some(({ state }) => state.waiting?.reason === "CreateContainerConfigError"),
  );
  assert.match(entry.status.containerStatuses[0]?.state.waiting?.message ?? "", /is protected: no pod may see it$/);
  assert.equal((await site.containers(uidOf("linked"))).length, 0);
});

test("a link created between admission and the create is not followed", async () => {
  const path = join(site.hostFolder, "later");
  const [spec, container] = mounting(path);
  assert.equal((await site.ask(update("later", spec, container))).content, "OK");
  const waits = (words: RegExp) =>
    site.reported(uidOf("later"), String(words), ({ status }) =>
      words.test(status.containerStatuses[0]?.state.waiting?.message ?? ""),
    );
  await waits(/does not exist on this device/);
  symlinkSync("/", path);
  await waits(/\(which leads to \/\) is protected: no pod may see it/);
  assert.equal((await site.containers(uidOf("later"))).length, 0);
});

test("one field in two spellings is rejected", async () => {
  const twice = (from: string, to: string) => update("twice", {}).replace(from, to);
  await refused(
    twice('"securityContext":{', '"SecurityContext":{"privileged":true},"securityContext":{'),
    "twice",
    "expected one spelling of it, not SecurityContext and securityContext",
  );
  await refused(twice('"spec":{', '"Spec":{"hostNetwork":true},"spec":{'), "twice", "not Spec and spec");
});

test("the same field twice in one spelling is checked by the value that is enforced", async () => {
  const message = update("again", {});
  const last = message.replace('"runAsGroup":1000', '"runAsGroup":1000,"privileged":false,"privileged":true');
  await refused(last, "again", "securityContext.privileged is true");
  const first = message.replace('"runAsGroup":1000', '"runAsGroup":1000,"privileged":true,"privileged":false');
  assert.equal((await running(first, "again")).HostConfig.Privileged, false);
});

test("a field such as __proto__ is unknown and grants nothing", async () => {
  const privileged = '{"privileged":true,"runAsUser":0,"hostNetwork":true,"hostPID":true,"readOnly":false}';
  const message = update("proto", {})
    .replace('"securityContext":{', `"securityContext":{"__proto__":${privileged},`)
    .replace('"spec":{', `"spec":{"__proto__":${privileged},"constructor":{"prototype":${privileged}},`)
    .replace('"content":{', `"content":{"__proto__":${privileged},"toString":1,"hasOwnProperty":null,`)
    .replace('"metadata":{', `"metadata":{"__PROTO__":${privileged},`);
  const { HostConfig, Config } = await running(message, "proto");
  assert.deepEqual(
    [HostConfig.Privileged, HostConfig.NetworkMode, HostConfig.PidMode, HostConfig.ReadonlyRootfs, Config.User],
    [false, "default", "", true, "1000:1000"],
  );
});

test("a container that must not be root gets neither a group of its image nor group 0", async () => {
  const securityContext = { runAsUser: 1000, runAsNonRoot: true };
  const { State, Config } = await running(update("groups", {}, { ...sleeper, securityContext }), "groups");
  assert.equal(Config.User, "1000:1000");
  assert.deepEqual([...new Set(groupsOf(State.Pid))], [1000]);
});

describe("a capability", () => {
  const adding = (name: string, ...add: readonly string[]) =>
    update(name, {}, { ...sleeper, securityContext: { runAsUser: 0, runAsGroup: 0, capabilities: { add } } });

  test("is granted with and without CAP_, alone", async () => {
    const { HostConfig } = await running(adding("caps", "NET_BIND_SERVICE", "CAP_CHOWN"), "caps");
    const bare = (HostConfig.CapAdd ?? []).map((name: string) => name.replace(/^CAP_/, ""));
    assert.deepEqual(bare.sort(), ["CHOWN", "NET_BIND_SERVICE"]);
    assert.deepEqual(HostConfig.CapDrop, ["ALL"]);
  });

  const names = {
    "one that the owner did not list": "SYS_ADMIN",
    "one that the owner did not list, with CAP_": "CAP_SYS_ADMIN",
    "one in lower case that the owner did not list": "sys_admin",
    "all of them": "ALL",
    "all of them in lower case": "all",
    "one behind a NUL": "CHOWN\u0000SYS_ADMIN",
    "one that ends in a NUL": "CHOWN\u0000",
    "one with a letter that only looks like it": "\u0421HOWN",
    "one with a wide letter": "\uff23HOWN",
    "one with a letter that has no upper case of its own": "ſYS_ADMIN",
    "one with CAP_ twice": "CAP_CAP_CHOWN",
    "one with a blank": "CHOWN ",
    "two in one": "CHOWN,SYS_ADMIN",
    none: "",
  };
  for (const [title, name] of Object.entries(names)) {
    test(`is rejected: ${title}`, async () => {
      await refused(adding("nocaps", name), "nocaps", /capabilities/);
    });
  }
});

describe("a port of the device", () => {
  const publishing = (name: string, hostPort: number, version = "1", env: readonly Fields[] = []) => {
    const ports = [{ containerPort: 8080, hostPort, hostIP: "127.0.0.1", protocol: "TCP" }];
    const { volumes, ...script } = site.script("term.sh", "trap 'exit 0' TERM; while true; do sleep 1 & wait; done");
    return update(name, { volumes }, { ...script, ports, env }, version);
  };

  test("is rejected if a process holds it", async () => {
    const server = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    try {
      await refused(publishing("port-process", port), "port-process", `TCP port ${port} is already used by `);
    } finally {
      server.close();
    }
  });

  test("is rejected if another pod holds it, and accepted for a newer version of the same pod", async () => {
    const port = await freePort();
    const first = await running(publishing("port-holder", port), "port-holder");
    await refused(
      publishing("port-taker", port),
      "port-taker",
      `TCP port ${port} on 127.0.0.1 is already used by pod port-holder`,
    );
    const newer = publishing("port-holder", port, "2", [{ name: "VERSION", value: "2" }]);
    assert.equal((await site.ask(newer)).content, "OK");
    const second = await site.eventually("the newer version runs", async () => {
      const found = (await site.containers(uidOf("port-holder"))).filter(({ State }) => State.Running);
      return found.length === 1 && found[0]?.Id !== first.Id ? found[0] : undefined;
    });
    assert.ok(second.Config.Env.includes("VERSION=2"));
    assert.equal(second.HostConfig.PortBindings["8080/tcp"]?.[0]?.HostPort, String(port));
  });
});
