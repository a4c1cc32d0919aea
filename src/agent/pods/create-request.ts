import type { Action } from "../../core/pod/action.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import { sandboxName } from "../../core/pod/identity.ts";
import { runAsUser } from "../../core/pod/user.ts";
import { hashesOf, sandboxPart } from "../../core/pod/wanted.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CreateRequest, ImageInfo } from "../../ports/engine.ts";
import type { NodeDevice } from "../../ports/node-device.ts";
import type { PodFiles } from "../../ports/pod-files.ts";
import type { Store } from "../../ports/store.ts";
import { configMapsOf } from "./config-maps.ts";
import { devicesOf } from "./npus.ts";
import { type OomScoreParts, takenOomScore } from "./oom-score.ts";

export interface ExecuteContext {
  readonly installId: string;
  readonly desired: DesiredPod | null;
  /** Images looked up in this turn, by container. */
  readonly images: ReadonlyMap<string, ImageInfo | null>;
}

export interface RequestParts {
  readonly device: NodeDevice;
  readonly podFiles: PodFiles;
  readonly clock: Clock;
  /** What pods refer to by name. */
  readonly store: Pick<Store, "configMaps" | "credentials" | "getMeta" | "npus" | "setMeta">;
}

type Making = Pick<Extract<Action, { kind: "create" }>, "container" | "attempt" | "sandboxId">;

/** Everything the engine adapter needs for a container, or the sentence that says why it cannot be made. */
export async function createRequest(
  parts: RequestParts,
  action: Making,
  context: Pick<ExecuteContext, "installId" | "desired" | "images">,
): Promise<CreateRequest | string> {
  const { desired, installId } = context;
  const { device, podFiles, store } = parts;
  if (action.container === sandboxName) return sandboxRequest(parts, action, context);
  const spec = desired?.pod.spec.containers.find((spec) => spec.name === action.container);
  const image = context.images.get(action.container);
  if (desired === null || spec === undefined || image == null)
    throw new Error(`A plan to create ${action.container} came without its pod or image`);
  const user = runAsUser(spec, image, desired.pod.id);
  if (!user.ok) return user.message;
  const mounted = new Set((spec.volumeMounts ?? []).map((mount) => mount.mountPath));
  const volumes = await podFiles.prepareVolumes(
    desired.pod,
    image.volumes.filter((path) => !mounted.has(path)),
    configMapsOf(store, desired.pod),
  );
  if (!volumes.ok) return volumes.message;
  const devices = devicesOf({ store, device }, { uid: desired.pod.id.uid, user: user.user }, spec);
  if (typeof devices === "string") return devices;
  const { ok: _, ...places } = volumes;
  const { container, attempt, sandboxId } = action;
  const { generation, pod } = desired;
  return {
    installId,
    pod,
    container,
    sandboxId,
    attempt,
    generation,
    ...hashesOf(desired, spec),
    image,
    ...places,
    terminationLog: podFiles.terminationLogs.path({ uid: pod.id.uid, container, attempt }),
    oomScoreAdj: takenOomScore(parts, pod.spec, container),
    devices,
  };
}

function sandboxRequest(
  parts: OomScoreParts,
  { attempt, sandboxId }: Making,
  { desired, installId, images }: Pick<ExecuteContext, "installId" | "desired" | "images">,
): CreateRequest {
  const image = images.get(sandboxName);
  if (desired === null || image == null) throw new Error("A plan to create a sandbox came without its pod or image");
  const { generation, pod } = desired;
  const made = { container: sandboxName, sandboxId, attempt, generation, ...hashesOf(desired, sandboxPart) };
  const folders = { volumePaths: {}, hostPaths: {}, coveredPaths: {}, scratchPaths: [], submounts: [] };
  const nothing = { ...folders, resolvConf: null, terminationLog: null, devices: [] };
  return { installId, pod, ...made, image, ...nothing, oomScoreAdj: takenOomScore(parts, pod.spec, sandboxName) };
}
