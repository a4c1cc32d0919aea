import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { EngineKind, TriedEngine } from "../../scripts/engine-kinds.ts";
import { loadTestImages, testImages } from "../../scripts/test-images.ts";
import { startTestRegistry, type TestRegistry } from "../../scripts/test-registry.ts";
import { podDelete, podUpdate } from "../samples/messages.ts";
import { createSite, type Entry, ids, type Site } from "./harness.ts";

const uidOf = (number: number): string => `18181818-0000-4000-8000-${String(number).padStart(12, "0")}`;
const msgIdOf = (number: number): string => `18181818-0000-4000-8000-${String(number).padStart(12, "a")}`;

/** Ends with 0 as soon as it is asked to. */
const forever = "trap 'exit 0' TERM\nwhile true; do sleep 1 & wait $!; done\n";
const serve = `mkdir /dev/shm/w; echo together > /dev/shm/w/index.html; httpd -p 8080 -h /dev/shm/w\n${forever}`;
const ask = `until wget -q -O - http://127.0.0.1:8080/; do sleep 1; done\n${forever}`;

const [single, double] = [1, 2].map(uidOf) as [string, string];

/** Registries: one asks for a password, one does not. */
const ports = { closed: 15_018, open: 15_019 } as const;
const closed = `127.0.0.1:${ports.closed}`;
const open = `127.0.0.1:${ports.open}`;

const allRun = ({ status }: Entry): boolean =>
  status.phase === "Running" && status.containerStatuses.every(({ state }) => state.running !== undefined);

/** Why a pull fails, and how the report of the pod begins, on whichever engine. */
const failingPulls = [
  { image: `${closed}/edge/private:1`, says: /^Registry \S+ rejected the request .* without credentials/ },
  { image: `${open}/nothing/here:1`, says: /^Registry \S+ has no image / },
  { image: `${open}/edge/foreign:1`, says: /^Image \S+ is not for this device's architecture: / },
  { image: "127.0.0.1:9/edge/nobody:1", says: /^Registry 127\.0\.0\.1:9 cannot be reached: / },
  { image: testImages.foreign, says: /^The image is for \S+, this device is / },
];

/** A pod's whole life on an engine of this kind: tests, one after another. */
export function lifeOn(kind: EngineKind): void {
  describe(kind.name, () => {
    let engine: TriedEngine;
    let site: Site;
    const registries: TestRegistry[] = [];
    let messages = 0;
    before(async () => {
      engine = await kind.open();
      await loadTestImages(engine.socket);
      site = createSite(engine);
      await site.startCenter();
      await site.startAgent();
      await site.online();
    });
    after(async () => {
      for (const registry of registries) await registry.close();
      await site?.close();
      await engine?.close();
    });

    /** One container for each script, under the script's name. */
    const update = async (podName: string, uid: string, scripts: Readonly<Record<string, string>>, image?: string) => {
      messages += 1;
      const made = Object.entries(scripts).map(([part, text]) => ({ part, ...site.script(`${part}.sh`, text) }));
      const containers = made.map(({ part, command, volumeMounts }) => ({
        name: part,
        image: image ?? testImages.busybox,
        command,
        volumeMounts,
        resources: { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "100m", memory: "16Mi" } },
        securityContext: { runAsUser: 1000, runAsGroup: 1000 },
      }));
      const spec = { containers, volumes: made[0]?.volumes };
      const msgId = msgIdOf(messages);
      const message = podUpdate({ name: podName, uid, msgId, resourceVersion: String(messages), spec });
      assert.equal((await site.ask(message)).content, "OK");
    };
    const bothRun = async (): Promise<void> => {
      for (const uid of [single, double]) await site.reported(uid, "running", allRun);
    };
    const idsOf = async (uid: string) => ids((await site.containers(uid)).filter(({ State }) => State.Running)).join();

    test("a pod of one container runs and is reported", async () => {
      await update("single", single, { runs: forever });
      const { status } = await site.reported(single, "running", allRun);
      assert.match(status.podIP ?? "", /^\d+\.\d+\.\d+\.\d+$/);
    });

    test("the containers of a pod share a network", async () => {
      await update("double", double, { serves: serve, asks: ask });
      await site.reported(double, "running", allRun);
      const asks = (await site.containers(double)).find(({ Name }) => Name.includes("_asks_"));
      await site.eventually("what the other serves", async () =>
        (await site.logs(asks?.Id ?? "")).includes("together") ? true : undefined,
      );
    });

    test("an agent that was killed takes both over as they are", async () => {
      const former = [await idsOf(single), await idsOf(double)];
      await site.endAgent("SIGKILL");
      await site.startAgent();
      await site.online();
      await bothRun();
      assert.deepEqual([await idsOf(single), await idsOf(double)], former);
    });

    test("nothing is said to differ from what was admitted", async () => {
      await site.eventually("a look at what runs", async () =>
        (await site.run("events")).stdout.length > 0 ? true : undefined,
      );
      assert.doesNotMatch(site.logOf(), /"event":"Drift"/);
    });

    test("both run after the engine was started again", async () => {
      const reported = site.reports().length;
      await engine.restart();
      await site.eventually("the engine is ready", async () =>
        (await site.status()).document.engine.state === "ready" ? true : undefined,
      );
      await site.eventually("a report", () => site.reports().length > reported || undefined);
      await bothRun();
    });

    test("a pull that fails says why, and whose affair it is", async () => {
      const credentials = { username: "edge", password: "s3cret" };
      const asking = await startTestRegistry(engine, { port: ports.closed, credentials });
      const free = await startTestRegistry(engine, { port: ports.open });
      registries.push(asking, free);
      await asking.push(testImages.busybox, "edge/private:1");
      await free.push(testImages.foreign, "edge/foreign:1");
      for (const [index, { image, says }] of failingPulls.entries()) {
        const uid = uidOf(10 + index);
        await update(`pull-${index}`, uid, { runs: forever }, image);
        await site.reported(uid, `waiting with ${says}`, (entry) =>
          says.test(entry.status.containerStatuses[0]?.state.waiting?.message ?? ""),
        );
      }
    });

    test("deleted pods leave nothing", async () => {
      for (const [podName, uid] of [
        ["single", single],
        ["double", double],
      ] as const) {
        messages += 1;
        const reply = await site.ask(podDelete({ name: podName, uid, msgId: msgIdOf(messages) }));
        assert.equal(reply.content, "OK");
        await site.eventually(`no container of ${podName}`, async () =>
          (await site.containers(uid).catch(() => undefined))?.length === 0 ? true : undefined,
        );
      }
    });
  });
}
