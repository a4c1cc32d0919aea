import type { Waiting } from "../pod/situation.ts";
import type { Condition } from "./conditions.ts";
import type { DiskUsage, NodeUsage } from "./usage.ts";

export type PressureType = "MemoryPressure" | "DiskPressure" | "PIDPressure";

/** One thing that may run short: what is left of it, and the least there should be. */
interface Signal {
  readonly type: PressureType;
  readonly what: string;
  /** In the unit of `least`; null when it cannot be read. */
  readonly left: (usage: NodeUsage) => number | null;
  readonly least: number;
  readonly unit: "%" | "MiB";
}

/**
 * The kubelet's default thresholds (`eviction/defaults_linux.go`); it has none for process ids. What is not left for
 * ordinary users counts as taken.
 */
const signals: readonly Signal[] = [
  {
    type: "MemoryPressure",
    what: "memory",
    left: ({ memory }) => (memory === null ? null : memory.availableBytes / 1024 / 1024),
    least: 100,
    unit: "MiB",
  },
  { type: "DiskPressure", what: "the data folder's disk", left: (u) => bytesLeft(u.dataDisk), least: 10, unit: "%" },
  { type: "DiskPressure", what: "the data folder's inodes", left: (u) => inodesLeft(u.dataDisk), least: 5, unit: "%" },
  { type: "DiskPressure", what: "the engine's disk", left: (u) => bytesLeft(u.engineDisk), least: 15, unit: "%" },
  { type: "DiskPressure", what: "the engine's inodes", left: (u) => inodesLeft(u.engineDisk), least: 5, unit: "%" },
  {
    type: "PIDPressure",
    what: "process ids",
    left: ({ processes }) => (processes === null ? null : 100 - (processes.running * 100) / processes.most),
    least: 10,
    unit: "%",
  },
];

/** Pressure ends once there is a quarter more than what it begins below: a device at the edge does not flap. */
const release = 1.25;

const words: Readonly<Record<PressureType, { readonly under: string; readonly free: string; readonly fine: string }>> =
  {
    MemoryPressure: {
      under: "NodeHasInsufficientMemory",
      free: "NodeHasSufficientMemory",
      fine: "There is memory enough",
    },
    DiskPressure: { under: "NodeHasDiskPressure", free: "NodeHasNoDiskPressure", fine: "There is disk space enough" },
    PIDPressure: {
      under: "NodeHasInsufficientPID",
      free: "NodeHasSufficientPID",
      fine: "There are process ids enough",
    },
  };

const pressureTypes: readonly PressureType[] = ["MemoryPressure", "DiskPressure", "PIDPressure"];

/**
 * The three pressure conditions, in Kubernetes' order. Messages hold no measured numbers, so that they change only when
 * something has happened.
 * @param before what the last call gave, empty at first
 */
export function judgePressure(
  before: readonly Condition[],
  usage: NodeUsage,
  nowWall: number,
): readonly Condition<PressureType>[] {
  return pressureTypes.map((type) => {
    const last = before.find((condition) => condition.type === type);
    const next = judged(type, last, usage);
    return { type, ...next, since: last?.status === next.status ? last.since : nowWall };
  });
}

type Judged = Pick<Condition, "status" | "reason" | "message">;

function judged(type: PressureType, last: Condition | undefined, usage: NodeUsage): Judged {
  const known = signals.flatMap((signal) => {
    const left = signal.type === type ? signal.left(usage) : null;
    return left === null ? [] : [{ ...signal, left }];
  });
  if (known.length === 0) {
    return { status: "Unknown", reason: "NodeFactsUnknown", message: "What it is judged by cannot be read" };
  }
  const { under, free, fine } = words[type];
  const low = known.filter(({ left, least }) => left < least);
  if (low.length > 0) {
    const message = low.map(({ what, least, unit }) => `less than ${least} ${unit} of ${what} left`).join(", ");
    return { status: "True", reason: under, message };
  }
  const isOver = known.every(({ left, least }) => left >= least * release);
  if (last?.status === "True" && !isOver) return { status: "True", reason: under, message: last.message };
  return { status: "False", reason: free, message: fine };
}

/** What a new pod waits for, null when nothing holds it up. What is unknown holds up nothing. */
export function heldBy(conditions: readonly Condition[]): Waiting | null {
  const under = conditions.filter(({ status }) => status === "True");
  const [first] = under;
  if (first === undefined) return null;
  const listed = under.map(({ type, message }) => `${type} (${message})`).join(" and ");
  return { reason: first.type, message: `The node has ${listed}; a new pod starts when that has ended` };
}

function bytesLeft(disk: DiskUsage | null): number | null {
  return disk === null ? null : (disk.freeBytes * 100) / disk.totalBytes;
}

function inodesLeft(disk: DiskUsage | null): number | null {
  return disk?.inodes == null ? null : (disk.inodes.free * 100) / disk.inodes.total;
}
