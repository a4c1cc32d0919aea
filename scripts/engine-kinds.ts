import { startOlderApi } from "./older-api.ts";
import type { DockerRelease, PodmanRelease } from "./packages.ts";
import { type EngineOptions, type PrivateEngine, startPrivateEngine } from "./private-engine.ts";

/** An engine on which a pod's life is tried. */
export interface TriedEngine extends Pick<PrivateEngine, "socket" | "folder" | "command" | "close"> {
  /** Ends it as its service does, and starts it again. */
  readonly restart: () => Promise<void>;
}

/** A kind of engine that devices have. */
export interface EngineKind {
  readonly name: string;
  /** Where images are: its name in `docker info`. */
  readonly store: string;
  /** What of later Debian releases has to be fetched before. */
  readonly release?: DockerRelease;
  /** The release whose podman has to be fetched before. */
  readonly podman?: PodmanRelease;
  /** Whether it has a network for pods. The contract suite needs one. */
  readonly hasBridge: boolean;
  /** What is other than on docker 20.10, a sentence each without its full stop. */
  readonly differs?: readonly string[];
  /** Tests that cannot pass there, by a part of their name. */
  readonly failures?: readonly { readonly test: string; readonly why: string }[];
  readonly open: () => Promise<TriedEngine>;
}

const quiet = (): void => undefined;
const containerdStore = { features: { "containerd-snapshotter": true } };

const ipv6 = (prefix: string) => ({ ipv6: true, "fixed-cidr-v6": prefix });

const remapped =
  "docker accepts neither privileged containers nor the host's network and processes with a remapped user namespace; the pod waits with its message (moby/moby#17409)";

const podmansDifferences = [
  "It removes no sandbox before the containers that joined it (containers/podman#23898)",
  "The agent does not see manual changes to capabilities and networks, because podman writes these differently from the request",
];

const podmansFailures = [
  {
    test: "does not start a container whose sandbox is dead or gone",
    why: "a start also starts what the container depends on (containers/podman#9754), so the sandbox comes back",
  },
];

/** Words for people about a kind, by its name. */
const notes: Readonly<Record<string, Partial<Pick<EngineKind, "store" | "differs" | "failures">>>> = {
  "docker 26.1": { differs: ["It makes mounts below a read-only folder read-only too (API 1.44)"] },
  "docker 28.5": { differs: ["It makes mounts below a read-only folder read-only too (API 1.44)"] },
  "docker 28.5, containerd's image store": {
    store: "containerd",
    differs: ["Ids of images are digests of manifests", "The engine's messages for a failed pull differ"],
  },
  "docker 20.10, live-restore": { differs: ["Containers keep running while the engine is stopped"] },
  "podman 4.3": {
    store: "containers/storage",
    differs: podmansDifferences,
    failures: [
      ...podmansFailures,
      {
        test: "killed for lack of memory",
        why: "before 5.0 inspect does not say OOMKilled (containers/podman#13102): the report says Error, 137",
      },
      {
        test: "could not start with the engine's words",
        why: "inspect shows no error of a start (containers/podman#13729)",
      },
    ],
  },
  "podman 5.8": {
    store: "containers/storage",
    differs: podmansDifferences,
    failures: podmansFailures,
  },
  "docker 20.10, userns-remap": {
    failures: [{ test: "granted all there is to grant", why: remapped }],
  },
  "docker 20.10, bridge=none": {
    differs: [
      "Only pods with hostNetwork start; other pods wait with a message that says what to do, as `edge doctor` does",
    ],
  },
};

/** Every kind, those of the test command first. */
export const engineKinds: readonly EngineKind[] = [
  docker("docker 20.10 at API 1.39", {}, "1.39"),
  docker("docker 26.1", { release: "trixie" }),
  docker("docker 20.10", {}),
  docker("docker 28.5", { release: "forky" }),
  docker("docker 28.5, containerd's image store", { release: "forky", settings: containerdStore }),
  docker("podman 4.3", { podman: "installed" }),
  docker("podman 5.8", { podman: "forky" }),
  docker("docker 20.10, live-restore", { liveRestore: true }),
  docker("docker 20.10, userland-proxy", { settings: { "userland-proxy": true } }),
  docker("docker 20.10, icc=false", { settings: { icc: false } }),
  docker("docker 20.10, bridge=none", { settings: { bridge: "none" } }),
  docker("docker 20.10, userns-remap", { settings: { "userns-remap": "default" } }),
  docker("docker 20.10, ipv6", { settings: ipv6("fd00:2010::/64") }),
  docker("docker 28.5, ipv6", { release: "forky", settings: ipv6("fd00:2850::/64") }),
];

function docker(name: string, options: EngineOptions, apiVersion?: string): EngineKind {
  const open = async (): Promise<TriedEngine> => {
    const engine = await startPrivateEngine(quiet, options);
    const older = apiVersion === undefined ? null : await startOlderApi(engine.socket, engine.folder, apiVersion);
    return {
      socket: older?.socket ?? engine.socket,
      folder: engine.folder,
      command: engine.command,
      restart: async () => {
        await engine.stop();
        await engine.start(options);
      },
      close: async () => {
        older?.close();
        await engine.close();
      },
    };
  };
  const hasBridge = options.settings?.["bridge"] !== "none";
  const kind = { name, store: "overlay2", hasBridge, open, ...notes[name] };
  if (options.podman !== undefined && options.podman !== "installed") return { ...kind, podman: options.podman };
  return options.release === undefined ? kind : { ...kind, release: options.release };
}
