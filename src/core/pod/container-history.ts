/**
 * What the store remembers of a pod's containers: the record that restart decisions and reports are made from. The
 * engine forgets (containers are removed, the device restarts); this does not.
 */

/** A point in time that survives clock jumps: `mono` compares only within one boot. */
export interface Moment {
  readonly wall: number;
  readonly mono: number;
  readonly bootId: string;
}

export interface Termination {
  readonly containerId: string;
  readonly exitCode: number;
  /** Completed, Error, OOMKilled, ContainerStatusUnknown, ContainerCannotRun, MountsDiffer, GroupsDiffer. */
  readonly reason: string;
  readonly message?: string;
  /** RFC 3339, whole seconds. */
  readonly startedAt: string | null;
  readonly finishedAt: string;
  /** It ended because the engine or the device did, unasked: a failure whatever the code (lifecycle.md, Restarts and back-off). */
  readonly interrupted: boolean;
  /** Why the agent stopped it; absent where it ended by itself. */
  readonly stoppedBecause?: string;
}

/** Why a container is not there: the reason and words of its waiting state, and when to try again. */
export interface Failure {
  /** ErrImagePull, CreateContainerConfigError, CreateContainerError, RunContainerError. */
  readonly reason: string;
  readonly message: string;
  /** How often in a row. */
  readonly count: number;
  /** What was wanted then, see `wantedKey` in plan.ts: another specification or a restart message starts afresh. */
  readonly wanted: string;
  /** The container whose start failed; null when none was made. */
  readonly containerId: string | null;
  readonly at: Moment;
  /** Milliseconds that are waited at least before it is tried again; absent where the usual back-off is enough. */
  readonly leastWaitMs?: number;
}

export interface ContainerHistory {
  /** Of the newest container made or to be made; it is the restart count. */
  readonly attempt: number;
  /** Hashes and generation that back-off and terminations below belong to. */
  readonly podHash: string;
  readonly specHash: string;
  readonly generation: number;
  /** The container of this attempt as last seen, null before it was made. */
  readonly current: CurrentContainer | null;
  /** How the newest attempt ended, once it has; and how the one before it did. */
  readonly termination: Termination | null;
  readonly lastTermination: Termination | null;
  /** Restarts in a row; 0 after a long run, a new hash or a restart message. */
  readonly backoffLevel: number;
  /** When the newest attempt was found dead. */
  readonly diedAt: Moment | null;
  /** The last create, start or pull that failed, null after one that worked. */
  readonly failure: Failure | null;
  /** The last failure of an update that waits for its image, while the version before it goes on with failures of its own. */
  readonly updateFailure?: Failure;
  /** What the engine could not carry out and has been told as an event: no restart tells it again. */
  readonly warnings?: readonly string[];
  /** What the image name stood for when it was accepted or pulled. */
  readonly pinnedImage: PinnedImage | null;
  /** The image that the newest container was made from; absent where an earlier version of the program made it. */
  readonly madeFrom?: PinnedImage;
}

export interface CurrentContainer {
  readonly id: string;
  readonly startedAt: string | null;
  /** When it was first seen running, by us. */
  readonly seenRunning: Moment | null;
  /** The engine run in which it was last seen, made or running: see `interrupted`. */
  readonly engineRunId: string | null;
  /** Why the agent is stopping it; absent while it is to run. */
  readonly stoppedBecause?: string;
  /** The reason of its end if the agent killed it just after its start. */
  readonly killedAs?: string;
}

export interface PinnedImage {
  readonly name: string;
  readonly id: string;
  readonly digest?: string;
  /** The spec (hash) that an `Always` pull was done for. */
  readonly pulledFor: string;
}

/** By container name. */
export type PodHistory = Readonly<Record<string, ContainerHistory>>;

/** The history of a container that this device knows nothing of yet. */
export function emptyHistory(
  made: Pick<ContainerHistory, "attempt" | "podHash" | "specHash" | "generation">,
): ContainerHistory {
  return {
    attempt: made.attempt,
    podHash: made.podHash,
    specHash: made.specHash,
    generation: made.generation,
    current: null,
    termination: null,
    lastTermination: null,
    backoffLevel: 0,
    diedAt: null,
    failure: null,
    pinnedImage: null,
  };
}
