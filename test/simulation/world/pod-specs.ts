import type { Dice } from "../../fakes/random.ts";
import { podContent } from "../../samples/messages.ts";
import { configMapName } from "./config-map-ledger.ts";
import { liveCommand, livePeriodSeconds, readyCommand } from "./programs.ts";
import { images } from "./world.ts";

/** The pods that the center of a simulation asks for. */
export const podNames = ["a", "b", "c"] as const;

/** NPUs of the simulated device: as many as its pods may ask for together. */
export const npuNames = ["davinci0", "davinci1", "davinci2", "davinci3"] as const;

/** The spec of a pod message, as a center would send it. */
export type Spec = Readonly<Record<string, unknown>>;

const containerNames = ["app", "side", "third"] as const;
const livenessProbe = { exec: { command: [liveCommand] }, periodSeconds: livePeriodSeconds, timeoutSeconds: 2 };
const readinessProbes = [
  { exec: { command: [readyCommand] }, periodSeconds: 5 },
  { httpGet: { path: "/ready", port: 8080, scheme: "HTTP" }, initialDelaySeconds: 3 },
];

/** Most pods are services; some are jobs that may fail, some are to run once. */
export function drawPolicy(dice: Dice): string {
  return dice.pick(["Always", "Always", "Always", "Always", "OnFailure", "Never"] as const);
}

interface Base {
  readonly resources: { readonly limits: object; readonly requests: object };
}

function withNpus({ limits, requests }: Base["resources"], count: number): object {
  return count === 0 ? { limits, requests } : { limits: { ...limits, npu: String(count) }, requests };
}

/** Pod a may have two for one container. */
function drawNpus(name: string, container: string, dice: Dice): number {
  if (container !== "app") return 0;
  return dice.pick(name === "a" ? [0, 0, 1, 2] : [0, 0, 1]);
}

const folders = {
  scratch: { name: "scratch", emptyDir: {} },
  settings: { name: "settings", configMap: { name: configMapName, defaultMode: 420 } },
} as const;

/** A pod of one to three containers: some with a host port, some with probes, some with folders, some with NPUs. */
export function drawSpec(name: string, restartPolicy: string, dice: Dice): Spec {
  const port = { containerPort: 80, hostPort: 8000 + name.charCodeAt(0), protocol: "TCP", hostIP: "127.0.0.1" };
  const names = containerNames.slice(0, 1 + dice.below(3));
  const volumes = dice.pick([[], [], [folders.scratch], [folders.settings], [folders.scratch, folders.settings]]);
  const volumeMounts = volumes.map(({ name: volume }) => ({ name: volume, mountPath: `/${volume}`, readOnly: true }));
  const base = podContent({ name, uid: "" })["spec"] as { readonly containers: readonly [Base] };
  const containers = names.map((container) => ({
    ...base.containers[0],
    name: container,
    image: dice.below(4) === 0 ? images.second : images.first,
    env: [{ name: "VERSION", value: String(dice.below(3)) }],
    resources: withNpus(base.containers[0].resources, drawNpus(name, container, dice)),
    ...(container === "app" && dice.below(3) > 0 ? { ports: [port] } : {}),
    ...(volumes.length === 0 ? {} : { volumeMounts }),
    ...(dice.below(3) === 0 ? {} : { livenessProbe }),
    // Containers of one pod share its address, which would not tell the simulated programs apart.
    ...(dice.below(3) === 0
      ? {}
      : { readinessProbe: names.length === 1 ? dice.pick(readinessProbes) : readinessProbes[0] }),
  }));
  return { containers, restartPolicy, ...(volumes.length === 0 ? {} : { volumes }) };
}
