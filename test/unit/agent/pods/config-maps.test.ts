import assert from "node:assert/strict";
import { test } from "node:test";
import { refreshMounted } from "../../../../src/agent/pods/config-maps.ts";
import type { ConfigMaps } from "../../../../src/ports/pod-files.ts";
import { moment } from "../../../contract/store-samples.ts";
import { memoryStore } from "../../../fakes/store.ts";
import { desiredPod, withSpec } from "../../../samples/pods.ts";

test("the config maps of a pod are compared one at a time, and other work has its turn in between", async () => {
  const store = memoryStore();
  const desired = desiredPod();
  const names = ["a", "b", "c"];
  for (const name of names) store.configMaps.put(name, { key: name }, moment);
  const volumes = names.map((name) => ({ name, configMap: { name, defaultMode: 420 } }));
  const pod = withSpec(desired.pod, { ...desired.pod.spec, volumes });
  store.desiredPods.put({ ...desired, pod });
  const steps: string[] = [];
  const parts = {
    store,
    log: { write: () => {} },
    clock: { sleep: async (ms: number) => void steps.push(`turn of ${ms} ms`) },
    podFiles: {
      refreshConfigMaps(_: unknown, maps: ConfigMaps) {
        steps.push([...maps.keys()].join());
        return [];
      },
    },
  };
  await refreshMounted(parts as unknown as Parameters<typeof refreshMounted>[0], pod.id);
  assert.deepEqual(steps, ["a", "turn of 0 ms", "b", "turn of 0 ms", "c"]);
});
