import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { EngineKind, TriedEngine } from "../../scripts/engine-kinds.ts";
import { loadTestImages } from "../../scripts/test-images.ts";
import { podDelete, podUpdate } from "../samples/messages.ts";
import { createSite, type Entry, type Site } from "./harness.ts";

const uids = {
  waits: "19191919-0000-4000-8000-000000000001",
  job: "19191919-0000-4000-8000-000000000002",
} as const;

/** Ends with 0 as soon as it is asked to, as a job does that has no more to do. */
const forever = "trap 'exit 0' TERM\nwhile true; do sleep 1 & wait $!; done\n";

const waiting = ({ status }: Entry) => status.containerStatuses[0]?.state.waiting?.message ?? "";
const runs = ({ status }: Entry): boolean => status.containerStatuses[0]?.state.running !== undefined;

/** What there is of a pod's life on an engine that has no network for pods: tests, one after another. */
export function lifeWithoutBridge(kind: EngineKind): void {
  describe(kind.name, () => {
    let engine: TriedEngine;
    let site: Site;
    before(async () => {
      engine = await kind.open();
      await loadTestImages(engine.socket);
      site = createSite(engine, { policy: { useHostNetwork: true } });
      await site.startCenter();
      await site.startAgent();
      await site.online();
    });
    after(async () => {
      await site?.close();
      await engine?.close();
    });

    const update = async (name: keyof typeof uids, spec: Readonly<Record<string, unknown>>): Promise<void> => {
      const { volumes, volumeMounts, command } = site.script(`${name}.sh`, forever);
      const uid = uids[name];
      const msgId = uid.replace("19191919", "00000000");
      const message = podUpdate({ name, uid, msgId, spec: { ...spec, volumes }, container: { command, volumeMounts } });
      assert.equal((await site.ask(message)).content, "OK");
    };

    test("a pod without hostNetwork waits and says what to do", async () => {
      await update("waits", {});
      const entry = await site.reported(uids.waits, "waiting with a reason", (one) => waiting(one).includes("bridge"));
      assert.match(waiting(entry), /no bridge network \(bridge=none\): .* Remove "bridge": "none" from .*daemon\.json/);
    });

    test("edge doctor names it", async () => {
      const { stdout } = await site.run("doctor");
      assert.match(stdout, /no bridge network \(bridge=none\)/);
    });

    test("a job with hostNetwork that the engine's stop ended with 0 runs again", async () => {
      await update("job", { hostNetwork: true, restartPolicy: "OnFailure" });
      await site.reported(uids.job, "running", runs);
      await engine.restart();
      await site.reported(uids.job, "running again", (entry) => {
        return runs(entry) && (entry.status.containerStatuses[0]?.restartCount ?? 0) > 0;
      });
    });

    test("deleted pods leave nothing", async () => {
      for (const [name, uid] of Object.entries(uids)) {
        const reply = await site.ask(podDelete({ name, uid, msgId: uid.replace("19191919", "00000001") }));
        assert.equal(reply.content, "OK");
        await site.eventually(`no container of ${name}`, async () =>
          (await site.containers(uid)).length === 0 ? true : undefined,
        );
      }
    });
  });
}
