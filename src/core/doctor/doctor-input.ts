import type { NodeUsage } from "../node/usage.ts";
import type { Certificate } from "../protocol/certificate.ts";
import type { LinkError } from "../protocol/link-error.ts";

/** All that `edge doctor` has looked at. A part that is null has nothing to be judged on this device. */
export interface DoctorInput {
  /** The device's clock, milliseconds since the epoch. */
  readonly wall: number;
  /** Why the program's own native code does not load on this system; null when it does. */
  readonly program: string | null;
  readonly config: ConfigInput;
  /** False if the configuration file cannot be read: then only the default folders are looked at. */
  readonly foldersKnown: boolean;
  /** Null where it cannot be told. */
  readonly agentRuns: boolean | null;
  readonly engine: EngineInput;
  /** Whether the program `conntrack` is on the PATH. */
  readonly conntrack: boolean;
  readonly cgroups: CgroupInput;
  readonly usage: NodeUsage;
  readonly folders: FolderInput;
  /** Null where native code does not load. */
  readonly store: StoreInput | null;
  readonly credentials: CredentialInput | null;
  readonly center: CenterInput | null;
  /** The proxy on the way to the center, `host:port`; null without one. */
  readonly proxy: string | null;
  readonly npus: NpuInput;
}

/** The configuration as it was read; `file` is null where there is none. */
export interface ConfigInput {
  readonly file: string | null;
  readonly violations: readonly string[];
  readonly warnings: readonly string[];
  /** Whether the file has changed since the running agent read it. */
  readonly isUnread: boolean;
}

/** What the engine says of itself, or why it says nothing. */
export type EngineInput =
  | {
      readonly ok: true;
      readonly version: string;
      readonly apiVersion: string;
      readonly liveRestore: boolean;
      /** Whether system calls of containers are filtered. */
      readonly seccomp: boolean;
      readonly product: "docker" | "podman";
      /** Whether the engine has a network for pods. */
      readonly bridge: boolean;
      readonly rootless: boolean;
      readonly remapsUsers: boolean;
      /** Whether the engine reaches registries through a proxy. */
      readonly hasProxy: boolean;
      /** What the engine itself warns of: limits that this kernel does not have, among others. */
      readonly warnings: readonly string[];
      /** Containers of pods that are paused, or that the engine does not answer about: "namespace/name/container: what". */
      readonly troubles: readonly string[];
    }
  | {
      readonly ok: false;
      readonly socket: string;
      readonly message: string;
      /** It is there, and did not answer in time. */
      readonly silent: boolean;
    };

export interface CgroupInput {
  /** Null where none are mounted. */
  readonly version: 1 | 2 | null;
  /** The controllers that this kernel has and was not told to leave off. */
  readonly controllers: readonly string[];
}

export interface FolderInput {
  readonly data: string;
  /** Something else stands in its place: a file, or a link to nowhere. */
  readonly dataIsOther: boolean;
  /** Its file system takes no writes from anybody. */
  readonly dataReadOnly: boolean;
  readonly run: string;
  /** Where the state of the link is written up to once a second: in memory, or on a disk that wears. Null when it cannot be told. */
  readonly runInMemory: boolean | null;
}

/** The agent's database as a reader finds it. */
export interface StoreInput {
  readonly state: "ok" | "missing" | "corrupt" | "newer" | "foreign" | "full" | "unusable";
  /** Why it is not ok; empty where it is. */
  readonly message: string;
  /** Free bytes on its disk, null where they cannot be read. */
  readonly freeBytes: number | null;
}

export interface CredentialInput {
  /** Why the files cannot be used. */
  readonly problem: string | null;
  readonly certificates: readonly Certificate[];
}

export type CenterInput =
  | {
      readonly ok: true;
      readonly host: string;
      /** The center's own clock, null where it does not tell. */
      readonly wall: number | null;
    }
  | { readonly ok: false; readonly host: string; readonly error: LinkError };

export interface NpuInput {
  readonly names: readonly string[];
  /** The device node without which no NPU is of use, null when it is there. */
  readonly missing: string | null;
}
