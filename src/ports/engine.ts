// ports: the types that separate the agent from engine, store, link and device.

import type { StoredImage } from "../core/image/image-gc.ts";
import type { LayerNews } from "../core/image/pull-progress.ts";
import type { RegistryCredentials } from "../core/image/registry-credentials.ts";
import type { ObservedContainer } from "../core/pod/observed.ts";
import type { AcceptedPod } from "../core/pod/spec.ts";
import type { DeviceNode } from "./node-device.ts";

/**
 * The container engine, in the words of pods. Every call takes a signal that carries its deadline and resolves with a
 * value: nothing throws but a bug.
 */
export interface Engine {
  info(signal: AbortSignal): Promise<EngineResult<EngineInfo>>;
  /** Whether it answers at all: the cheapest call there is. */
  ping(signal: AbortSignal): Promise<EngineResult<void>>;
  /**
   * Every container, running or dead, whose own labels say that it is one of a pod's (contracts.md, On the engine), of
   * whatever name and install id. One engine call: what only an inspect brings is fetched for those that changed.
   * One about which the engine does not answer in time is listed as unknown, and holds up none of the others.
   */
  list(signal: AbortSignal): Promise<EngineResult<readonly ObservedContainer[]>>;
  /** One container by id; `notFound` when it is gone. */
  inspect(id: string, signal: AbortSignal): Promise<EngineResult<ObservedContainer>>;
  create(request: CreateRequest, signal: AbortSignal): Promise<EngineResult<CreatedContainer>>;
  /** What a container of ours has otherwise than one made from this request would; nothing is changed. */
  audit(id: string, request: CreateRequest, signal: AbortSignal): Promise<EngineResult<ContainerAudit>>;
  start(id: string, signal: AbortSignal): Promise<EngineResult<void>>;
  /** SIGTERM, then SIGKILL after `graceSeconds`. Fine when it does not run any more. The signal must outlast the grace. */
  stop(id: string, graceSeconds: number, signal: AbortSignal): Promise<EngineResult<void>>;
  /** Gives a container another name; `conflict` when that is taken. */
  rename(id: string, name: string, signal: AbortSignal): Promise<EngineResult<void>>;
  /** Removes a container that does not run, with its anonymous volumes. Fine when it is gone already. */
  remove(id: string, signal: AbortSignal): Promise<EngineResult<void>>;
  /**
   * Runs a program in a running container, as the container's user, and resolves when it has ended, however long that
   * takes. Giving up leaves it running: no engine call ends it. `started` is called with its id once it is seen to run:
   * what goes by before that is the engine's time, not the program's. It is not called for one that has ended by then.
   */
  exec(
    id: string,
    command: readonly string[],
    signal: AbortSignal,
    started?: (program: string) => void,
  ): Promise<EngineResult<ExecResult>>;
  /**
   * Whether a program that `exec` began still lives. Asks those who run the container and not what the engine remembers:
   * it hangs when they do, and then nobody knows. Of a container that has ended it is an error, or false.
   */
  isAlive(id: string, program: string, signal: AbortSignal): Promise<EngineResult<boolean>>;
  /** An image that is on this device, by name or by id; `notFound` when it is not. */
  image(nameOrId: string, signal: AbortSignal): Promise<EngineResult<ImageInfo>>;
  /** Every image on this device, with whether any container at all was made from it. Two engine calls. */
  images(signal: AbortSignal): Promise<EngineResult<readonly StoredImage[]>>;
  /**
   * Removes an image with all its names; fine when it is gone. `conflict` when a container or another image needs it:
   * nothing is forced.
   */
  removeImage(id: string, signal: AbortSignal): Promise<EngineResult<void>>;
  /** The image of sandboxes for this engine's architecture; loads it when it is not there. */
  ensureSandboxImage(signal: AbortSignal): Promise<EngineResult<ImageInfo>>;
  /**
   * Fetches an image by name. `credentials` is null for a registry that asks for none. `progressed` is called whenever
   * something has arrived: how long a pull takes says nothing, that nothing comes any more does. `told` hears of each layer.
   */
  pull(
    name: string,
    credentials: RegistryCredentials | null,
    signal: AbortSignal,
    onBytes?: () => void,
    onLayerNews?: (news: LayerNews) => void,
  ): Promise<EngineResult<ImageInfo>>;
  /**
   * Takes every image of an archive in the format of `docker save`, and looks up the one of this name: `notFound` if the
   * archive does not hold it, `failed` with its words if reading the archive throws. `onBytes` is called as it goes on.
   */
  load(
    name: string,
    archive: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    onBytes?: () => void,
  ): Promise<EngineResult<ImageInfo>>;
  /**
   * Calls `changed` whenever something happened to a container of a pod, until the stream breaks (the result says how)
   * or the signal aborts. `ready` is called once, when the engine has taken the subscription. `imagesChanged` is called when
   * an image or a name of one has come or gone, `reconfigured` when somebody has given a container, of a pod or not, other
   * limits or networks while it runs. Hints only: a list is the truth.
   */
  watch(handlers: WatchHandlers, signal: AbortSignal): Promise<EngineResult<void>>;
}

export interface WatchHandlers {
  ready(): void;
  changed(event: EngineEvent): void;
  readonly imagesChanged?: () => void;
  readonly reconfigured?: (containerId: string) => void;
}

export interface EngineEvent {
  readonly action: string;
  readonly containerId: string;
  readonly namespace: string;
  readonly name: string;
}

export interface EngineInfo {
  readonly version: string;
  readonly apiVersion: string;
  /** GOARCH of the engine's host: "amd64", "arm64". */
  readonly architecture: string;
  readonly liveRestore: boolean;
  /**
   * Another one than before: what ran then ended with the engine in between, and what it ended with may be the engine's
   * doing. null where the engine does not tell.
   */
  readonly runId: string | null;
  /** System calls of containers are filtered. */
  readonly seccomp: boolean;
  /** Podman speaks Docker's API, and does not do all that Docker does. */
  readonly product: "docker" | "podman";
  /** Whether there is a network of the engine's for pods; without one only pods with hostNetwork start. */
  readonly bridge: boolean;
  /** It runs as a user that is not root: cgroups and networks are that user's. */
  readonly rootless: boolean;
  /** Ids of users in containers are others on the host: docker then makes no privileged container. */
  readonly remapsUsers: boolean;
  /** It reaches registries through a proxy. */
  readonly hasProxy: boolean;
  /** What the engine warns of by itself, limits that its kernel lacks among them; at most 32. */
  readonly warnings: readonly string[];
  readonly dataRoot: string;
  readonly memoryBytes: number;
  readonly cpus: number;
}

export interface ImageInfo {
  /** `sha256:…`: what a pod's container is pinned to and created by. */
  readonly id: string;
  /** `name@sha256:…` where it came from a registry. */
  readonly digest?: string;
  /** Config.User as the image has it; empty means root. */
  readonly user: string;
  readonly architecture: string;
  /** Paths of its VOLUME lines. */
  readonly volumes: readonly string[];
}

export interface CreateRequest {
  readonly installId: string;
  readonly pod: AcceptedPod;
  /** Of the pod's containers, or `sandboxName` for its sandbox. */
  readonly container: string;
  /** The running sandbox whose network and IPC it joins; null for a sandbox and for a container that is alone. */
  readonly sandboxId: string | null;
  readonly attempt: number;
  readonly generation: number;
  readonly podHash: string;
  readonly specHash: string;
  readonly image: ImageInfo;
  /** What the engine mounts for each volume of the pod, by volume name; nobody but root can exchange such a path. */
  readonly volumePaths: Readonly<Record<string, string>>;
  /** What that shows of this device, for hostPath volumes, by volume name. */
  readonly hostPaths: Readonly<Record<string, string>>;
  /** An empty folder for each VOLUME path of the image that the pod does not mount, by container path. */
  readonly coveredPaths: Readonly<Record<string, string>>;
  /** VOLUME paths of the image that are bounded folders in memory instead. */
  readonly scratchPaths: readonly string[];
  /** Volumes, by name, below whose place on this device something else is mounted. */
  readonly submounts: readonly string[];
  /** The resolv.conf that the agent keeps for pods; null for a sandbox. */
  readonly resolvConf: string | null;
  /** The file in which it may leave its last words; null for a sandbox. */
  readonly terminationLog: string | null;
  /** How early the kernel kills it when memory runs out: -1000, never, to 1000. */
  readonly oomScoreAdj: number;
  /** Device nodes for its NPUs, each to be read and written; none for a container that has no NPU. */
  readonly devices: readonly DeviceNode[];
}

export interface CreatedContainer {
  readonly id: string;
  /** What the engine could not carry out but let pass. */
  readonly warnings: readonly string[];
}

export interface ExecResult {
  /** 126 or 127 where there is no such program in the container. */
  readonly exitCode: number;
  /** The beginning of what it said on both streams, at most 10 KiB. */
  readonly output: string;
}

export interface ContainerAudit {
  /** Its first process as the host counts them; null while it does not run. */
  readonly pid: number | null;
  readonly differences: readonly Difference[];
}

/** One thing that is not as it was admitted, in words for people. */
export interface Difference {
  /** Docker's name for it: "User", "Memory", "Mounts" … */
  readonly field: string;
  readonly expected: string;
  readonly found: string;
}

/**
 * unavailable: no answer to be had, try when it is back. timeout: the call may yet take effect, observe before trying
 * again. conflict: the name is taken. invalid: the engine refuses this very request, the same one will fail again.
 * refused: our own second gate refused the payload. oomScoreRefused: the kernel lets this engine set no negative OOM
 * score. failed: the container or image could not do it; try with back-off.
 */
export type EngineErrorKind =
  | "unavailable"
  | "timeout"
  | "aborted"
  | "notFound"
  | "conflict"
  | "invalid"
  | "refused"
  | "portInUse"
  | "oomScoreRefused"
  | "imageNotFound"
  | "registryAuth"
  | "registryUnreachable"
  /** It was asked too often (HTTP 429). */
  | "registryBusy"
  | "wrongArchitecture"
  | "diskFull"
  | "failed";

export interface EngineError {
  readonly kind: EngineErrorKind;
  /** The call: "create", "pull" … */
  readonly operation: string;
  /** The engine's own words, at most 1,024 characters. */
  readonly message: string;
}

export type EngineResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: EngineError };
