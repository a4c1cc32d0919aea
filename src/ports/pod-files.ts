import type { AcceptedPod } from "../core/pod/spec.ts";

/** What pods have on the disk of this device, and what their processes see of it. */
export interface PodFiles {
  readonly terminationLogs: TerminationLogs;
  /**
   * Makes the pod's folders under the data folder and mounts its host paths at places of the agent's own, without making
   * anything on the host.
   * Fails with the kubelet's words for CreateContainerConfigError, naming the path. A config map that is not handed in
   * is one that this device does not have: what an earlier one left in the pod's folder is used then, if anything.
   * Takes a turn for each config map, so that thousands of files hold up nothing else.
   */
  prepareVolumes(pod: AcceptedPod, covered: readonly string[], configMaps: ConfigMaps): Promise<VolumesResult>;
  /**
   * Brings the config maps that a pod has mounted already up to date, each at one blow; what is not handed in stays.
   * Gives the trouble it had, one sentence a volume.
   */
  refreshConfigMaps(pod: AcceptedPod, configMaps: ConfigMaps): readonly string[];
  /** Looks through a process at what is mounted there. */
  mountedElsewhere(pid: number, mounts: readonly MountedAt[]): MountsSeen;
  /** Every group of a process, real, effective, saved and supplementary; null when it is gone or cannot be looked at. */
  groupsOf(pid: number): readonly number[] | null;
  /** Brings the resolv.conf of every pod up to date with the host's, in place. */
  refreshResolvConf(): void;
  /** Removes the folders of a pod that is gone. Fine when there are none. */
  removeVolumes(uid: string): void;
  /** uids of pods that have folders here, whether or not anybody knows the pod. */
  podFolders(): readonly string[];
  /** Keeps a second copy of an admitted pod as `pods/<uid>/pod.json` (tmp, fsync, rename). */
  savePod(pod: AcceptedPod): void;
  /** Takes that copy away: the pod is on its way out, and must not come back with it. Fine when there is none. */
  forgetPod(uid: string): void;
}

/** One attempt of a pod's container. */
export interface TerminationLog {
  readonly uid: string;
  readonly container: string;
  readonly attempt: number;
}

/** The files in which containers leave their last words: what they see as /dev/termination-log. */
export interface TerminationLogs {
  /** Where an attempt's is, whether or not it is there. */
  path(log: TerminationLog): string;
  /**
   * Makes an empty one for an attempt that is about to be made; those of the container's earlier attempts go. Gives the
   * trouble it had in a sentence, null when it is there.
   */
  create(log: TerminationLog): string | null;
  /** The last `most` bytes as text; "" when there are none. What is no UTF-8 becomes U+FFFD. */
  read(log: TerminationLog, most: number): string;
  /** Empties every one that takes more than 64 KiB of the disk: a container could fill it through here otherwise. */
  trim(): void;
}

/** By name: what stands in each of its files. */
export type ConfigMaps = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** A place on this device, and where a container is to see it. */
export interface MountedAt {
  readonly source: string;
  readonly target: string;
}

/** What a process sees: each mount is its source, or the process is gone; the first that is not; or it could not be looked at. */
export type MountsSeen =
  | { readonly kind: "same" }
  | MountedElsewhere
  | { readonly kind: "unknown"; readonly message: string };

export interface MountedElsewhere extends MountedAt {
  readonly kind: "elsewhere";
  readonly message: string;
  /**
   * The source is of another file system now, and what the process sees is of one that is still mounted here: something was
   * mounted over the source. False where a file system was unmounted, or a folder was exchanged.
   */
  readonly isCovered: boolean;
}

export type VolumesResult =
  | {
      readonly ok: true;
      readonly volumePaths: Readonly<Record<string, string>>;
      /** What the places of hostPath volumes show of this device, by volume name. */
      readonly hostPaths: Readonly<Record<string, string>>;
      readonly coveredPaths: Readonly<Record<string, string>>;
      /** VOLUME paths that are to be bounded folders in memory instead: policy writableEmptyDir. */
      readonly scratchPaths: readonly string[];
      /** hostPath volumes, by name, below which something else is mounted. */
      readonly submounts: readonly string[];
      readonly resolvConf: string;
    }
  | { readonly ok: false; readonly message: string };
