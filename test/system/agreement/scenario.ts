import {
  gracefulDelete,
  type PodMessage,
  podContent,
  podDelete,
  podRestart,
  podUpdate,
} from "../../samples/messages.ts";

/** A pod as the center of a scenario wants it; each device dresses it in what its programs need. */
export interface PodPlan {
  readonly name: string;
  readonly uid: string;
  readonly version: number;
  readonly restartPolicy: string;
  readonly containers: readonly ContainerPlan[];
}

interface ContainerPlan {
  readonly name: string;
  readonly image: string;
  readonly hostPort?: number;
  readonly liveness: boolean;
  readonly readiness: boolean;
}

export type Asks = "update" | "newUid" | "restart" | "delete" | "gracefulDelete";

/** What somebody does to one container. A restart by hand is not among them: whether the agent sees the moment between is chance. */
export type ToContainer = "endsWell" | "endsBadly" | "isRemoved" | "sickens" | "isBusy" | "isFree";

export interface Asking {
  readonly kind: "asks";
  readonly asks: Asks;
  readonly pod: PodPlan;
  readonly msgId: string;
}

type Old = "repeat" | "staleUpdate" | "lateDelete";

/** What may hang: dockerd, or what runs the containers for it. */
export type Hangs = "engine" | "containerd";

/** One thing that happens, as data: both devices carry out the same. */
export type Happening =
  | Asking
  /** Something that was asked before comes once more: the message itself, an older update as if it were new, a delete of an older pod. */
  | { readonly kind: "old"; readonly how: Old; readonly message: Asking }
  /** Messages that are sent before any of them is answered. */
  | { readonly kind: "burst"; readonly all: readonly Asking[] }
  /** It hangs for a while, in which the center asks for something. */
  | { readonly kind: "hangs"; readonly hangs: Hangs; readonly meanwhile: Asking }
  | { readonly kind: "container"; readonly happens: ToContainer; readonly pod: string; readonly container: string }
  | { readonly kind: "centerAway" }
  | { readonly kind: "engineAway"; readonly how: "stop" | "crash" }
  | { readonly kind: "agentAway"; readonly how: "stop" | "kill"; readonly meanwhile: Happening | null }
  /** The data folder is gone, and the center asks for everything again. */
  | { readonly kind: "dataLost"; readonly again: readonly Asking[] };

/** A device in one of the two worlds. */
export interface Device {
  /** Sends messages, one right after the other, and gives what was answered to each. */
  ask(texts: readonly string[]): Promise<readonly string[]>;
  /** What its world adds to a pod: programs, and the folders they need. */
  dress(pod: PodPlan): PodMessage["spec"] & object;
  toContainer(happens: ToContainer, pod: string, container: string): Promise<void>;
  centerAway(): Promise<void>;
  engineAway(how: "stop" | "crash"): Promise<void>;
  hang(what: Hangs, on: boolean): void;
  /** Milliseconds of its own time pass. */
  pass(ms: number): Promise<void>;
  endAgent(how: "stop" | "kill"): Promise<void>;
  startAgent(): Promise<void>;
  /** The agent is killed, and starts without what it had on disk. */
  loseData(): Promise<void>;
}

/** Longer than the agent needs for a pod, shorter than it waits for an answer of its engine, but to whether a probe's program lives. */
const hangMs = 5_000;

/** Makes it happen, and gives what was answered. */
export async function carryOut(device: Device, happening: Happening): Promise<readonly string[]> {
  switch (happening.kind) {
    case "asks":
      return device.ask([messageOf(happening, device.dress(happening.pod))]);
    case "old":
      return carryOut(device, happening.message);
    case "burst":
      return device.ask(happening.all.map((one) => messageOf(one, device.dress(one.pod))));
    case "hangs": {
      device.hang(happening.hangs, true);
      try {
        const answers = await carryOut(device, happening.meanwhile);
        await device.pass(hangMs);
        return answers;
      } finally {
        device.hang(happening.hangs, false);
      }
    }
    case "container":
      await device.toContainer(happening.happens, happening.pod, happening.container);
      return [];
    case "centerAway":
      await device.centerAway();
      return [];
    case "engineAway":
      await device.engineAway(happening.how);
      return [];
    case "agentAway":
      await device.endAgent(happening.how);
      if (happening.meanwhile !== null) await carryOut(device, happening.meanwhile);
      await device.startAgent();
      return [];
    case "dataLost": {
      await device.loseData();
      const answers: string[] = [];
      for (const one of happening.again) answers.push(...(await carryOut(device, one)));
      return answers;
    }
    default:
      return happening satisfies never;
  }
}

export function wordsOf(happening: Happening): string {
  switch (happening.kind) {
    case "asks":
      return `${happening.asks} of ${happening.pod.name}`;
    case "container":
      return `${happening.pod}/${happening.container} ${happening.happens}`;
    case "agentAway":
      return `agentAway (${happening.how}${happening.meanwhile === null ? "" : `, ${wordsOf(happening.meanwhile)}`})`;
    case "engineAway":
      return `engineAway (${happening.how})`;
    case "old":
      return `${happening.how} (${wordsOf(happening.message)})`;
    case "burst":
      return happening.all.map(wordsOf).join(" and ");
    case "hangs":
      return `${happening.hangs} hangs (${wordsOf(happening.meanwhile)})`;
    default:
      return happening.kind;
  }
}

function messageOf({ asks, pod, msgId }: Asking, spec: object): string {
  const message = { ...pod, msgId, resourceVersion: String(pod.version), spec: { ...spec } };
  switch (asks) {
    case "update":
    case "newUid":
      return podUpdate(message);
    case "restart":
      return podRestart(message);
    case "delete":
      return podDelete(message);
    case "gracefulDelete":
      return gracefulDelete(message, 5);
    default:
      return asks satisfies never;
  }
}

/** The spec of a plan, without what a device adds; `more` is what it adds to each container. */
export function specOf(pod: PodPlan, more: (container: ContainerPlan) => object): object {
  const base = podContent({ name: pod.name, uid: pod.uid })["spec"] as { readonly containers: readonly object[] };
  const containers = pod.containers.map((one) => ({
    ...base.containers[0],
    name: one.name,
    image: one.image,
    env: [
      { name: "NAME", value: one.name },
      { name: "VERSION", value: String(pod.version) },
      // What it answers SIGTERM with, as the programs of the simulation do.
      { name: "TERM_CODE", value: pod.restartPolicy === "Always" ? "143" : "0" },
    ],
    ...(one.hostPort === undefined
      ? {}
      : { ports: [{ containerPort: 80, hostPort: one.hostPort, protocol: "TCP", hostIP: "127.0.0.1" }] }),
    ...more(one),
  }));
  return { containers, restartPolicy: pod.restartPolicy };
}
