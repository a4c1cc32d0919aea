import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedEngine } from "../../scripts/private-engine.ts";
import { configMapDelete, configMapUpdate, podsData, podUpdate } from "../samples/messages.ts";
import { createSite, only } from "./harness.ts";

const uid = "22222222-0000-4000-8000-000000000001";
const id = (number: number): string => `22222222-0000-4000-8000-${String(number).padStart(12, "0")}`;
/** Says what is in the folder whenever that has changed, and what it may do there. */
const script = `trap 'exit 0' TERM
ls -l /settings/..data/ | cut -c1-10 | sort -u
touch /settings/new 2>/dev/null || echo nothing can be written
before=
while true; do
  now=$(cd /settings && for file in *; do echo -n "$file=$(cat ./$file) "; done)
  [ "$now" = "$before" ] || echo "[$now]"
  before=$now
  sleep 0.2
done
`;
const site = createSite(sharedEngine());

describe("config maps on a device", () => {
  before(async () => {
    await site.startCenter();
    await site.startAgent();
    await site.online();
  });
  after(() => site.close());

  const { command, volumes, volumeMounts } = site.script("watch.sh", script);
  const mounting = {
    spec: {
      volumes: [...volumes, { name: "settings", configMap: { name: "app-settings", defaultMode: 420 } }],
    },
    container: {
      command,
      volumeMounts: [...volumeMounts, { name: "settings", mountPath: "/settings", readOnly: true }],
    },
  };

  const output = async (what: string): Promise<string> => {
    const { Id } = only(await site.containers(uid));
    return site.eventually(what, async () => {
      const said = await site.logs(Id);
      return said.includes(what) ? said : undefined;
    });
  };

  test("a pod waits for its config map, and starts when it arrives", async () => {
    assert.equal((await site.ask(podUpdate({ name: "web", uid, msgId: id(10), ...mounting }))).content, "OK");
    const entry = await site.reported(
      uid,
      "waiting",
      ({ status }) => status.containerStatuses[0]?.state.waiting?.reason === "CreateContainerConfigError",
    );
    assert.equal(only(entry.status.containerStatuses).state.waiting?.message, 'configmap "app-settings" not found');
    const data = { "app.conf": "colour=red", "-x": "1" };
    assert.equal((await site.ask(configMapUpdate("app-settings", id(11), data))).content, "OK");
    await site.reported(uid, "Running", ({ status }) => status.phase === "Running");
    const said = await output("colour=red");
    assert.ok(said.includes("-rw-r--r--"), said);
    assert.ok(said.includes("nothing can be written"), said);
    const mount = only(await site.containers(uid)).Mounts.find(({ Destination }) => Destination === "/settings");
    assert.deepEqual([mount?.RW, mount?.Source], [false, join(site.dataDir, "pods", uid, "config-map", "settings")]);
  });

  test("a running pod gets an updated config map and loses a deleted key", async () => {
    const { Id } = only(await site.containers(uid));
    const change = configMapUpdate("app-settings", id(12), { "app.conf": "colour=blue", more: "1" });
    assert.equal((await site.ask(change)).content, "OK");
    await output("[app.conf=colour=blue more=1");
    assert.equal((await site.ask(configMapUpdate("app-settings", id(13), { more: "2" }))).content, "OK");
    await output("[more=2");
    assert.equal(only(await site.containers(uid)).Id, Id);
  });

  test("a restarted agent keeps updating a config map, and its deletion does not change the pod", async () => {
    const { Id } = only(await site.containers(uid));
    const file = join(site.dataDir, "pods", uid, "config-map", "settings", "more");
    await site.endAgent("SIGKILL");
    await site.startAgent();
    await site.online();
    assert.equal((await site.ask(configMapUpdate("app-settings", id(14), { more: "3" }))).content, "OK");
    await output("[more=3");
    assert.equal((await site.ask(configMapDelete("app-settings", id(15)))).content, "OK");
    await site.docker.getContainer(Id).kill();
    await site.reported(uid, "running again", ({ status }) => {
      const [app] = status.containerStatuses;
      return app?.restartCount === 1 && app.state.running !== undefined;
    });
    const again = await site.eventually("it runs again", async () => {
      const found = (await site.containers(uid)).find(({ State }) => State.Running);
      return found !== undefined && found.Id !== Id ? found : undefined;
    });
    assert.equal(readFileSync(file, "utf8"), "3");
    await site.eventually("what it had", async () =>
      (await site.logs(again.Id)).includes("[more=3") ? true : undefined,
    );
  });

  test("pods_data removes pods, config maps and secrets, and reports its progress", async () => {
    await site.sendRaw(podsData(id(16)));
    const results = () =>
      site
        .records()
        .filter(({ message }) => message.route?.resource === "websocket/config_result")
        .map(({ message }) => JSON.parse(String(message.content)));
    await site.eventually("the last result", () => results().find(({ result }) => result === "success"));
    assert.deepEqual(
      results().map(({ topic, percentage, result }) => [topic, percentage, result]),
      [
        ["pods_data", "25%", "processing"],
        ["pods_data", "50%", "processing"],
        ["pods_data", "75%", "processing"],
        ["pods_data", "100%", "success"],
      ],
    );
    assert.deepEqual(await site.containers(), []);
    // What was discarded is removed beside other work.
    await site.eventually("the pods' folders are gone", () =>
      readdirSync(join(site.dataDir, "pods")).length === 0 ? true : undefined,
    );
    assert.deepEqual(site.replies(id(16)), []);
  });
});
