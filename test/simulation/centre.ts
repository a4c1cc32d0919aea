import { gracefulDelete, podContent, podDelete, podRestart, podUpdate } from "../samples/messages.ts";
import { liveCommand, livePeriodSeconds, readyCommand } from "./programs.ts";
import type { Dice } from "./steps.ts";
import { images, type World } from "./world.ts";

/** What the centre has asked of one pod name, and what the device has answered. */
export interface PodLedger {
  readonly name: string;
  uid: string;
  version: number;
  /** Of the newest update: a graceful delete has to name the same ones. */
  spec: Readonly<Record<string, unknown>>;
  /** The message that waits for its answer; sent again until it has come. */
  outstanding: { readonly msgId: string; readonly text: string; readonly wants: Wanted } | null;
  wanted: Wanted;
}

export type Asked = "update" | "newUid" | "restart" | "delete" | "gracefulDelete";

export type Wanted =
  | { readonly kind: "none" }
  | { readonly kind: "pod"; readonly uid: string; readonly version: number };

/** A centre that does as FusionDirector does: one message a pod at a time, repeated until it is answered. */
export interface Centre {
  readonly ledgers: readonly PodLedger[];
  /** Asks something new of a pod; null when something is outstanding, or cannot be asked of what is wanted. */
  ask(name: string, what: Asked, dice: Dice): string | null;
  /** Sends a message again that was answered long ago: the network may keep one that long. */
  repeat(dice: Dice): string | null;
  /** Takes in what has arrived, and sends again what was not answered. */
  turn(): void;
  /** msg_ids of replies by the request they answer: a repeat carries the same one. */
  replies(): ReadonlyMap<string, ReadonlySet<string>>;
  /** Refusals that were not expected. */
  surprises(): readonly string[];
  lastReport(): readonly ReportEntry[];
}

export interface ReportEntry {
  readonly Name: string;
  readonly UID: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly status: {
    readonly phase: string;
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses: readonly {
      readonly name: string;
      readonly ready: boolean;
      readonly state: Readonly<Record<string, unknown>>;
      readonly restartCount: number;
    }[];
  };
}

export function createCentre(world: World, names: readonly string[]): Centre {
  const { center, trace } = world;
  const ledgers: PodLedger[] = names.map((name) => ({
    name,
    uid: "",
    version: 0,
    spec: {},
    outstanding: null,
    wanted: { kind: "none" },
  }));
  const replies = new Map<string, Set<string>>();
  const surprises: string[] = [];
  const answered: string[] = [];
  let lastReport: readonly ReportEntry[] = [];

  function take(text: string): void {
    const { header, route, content } = JSON.parse(text) as {
      header: { msg_id: string; parent_msg_id: string };
      route: { operation: string; resource: string };
      content: unknown;
    };
    if (route.resource === "websocket/podstatus") lastReport = content as readonly ReportEntry[];
    if (header.parent_msg_id === "") return;
    replies.set(header.parent_msg_id, (replies.get(header.parent_msg_id) ?? new Set()).add(header.msg_id));
    const ledger = ledgers.find((one) => one.outstanding?.msgId === header.parent_msg_id);
    if (ledger?.outstanding == null) return;
    if (content === "OK") ledger.wanted = ledger.outstanding.wants;
    else surprises.push(`${ledger.name}: ${String(content)}`);
    answered.push(ledger.outstanding.text);
    ledger.outstanding = null;
  }

  return {
    ledgers,
    ask(name, what, dice) {
      const ledger = ledgers.find((one) => one.name === name);
      if (ledger === undefined || ledger.outstanding !== null) return null;
      if (ledger.wanted.kind === "none" && what !== "newUid" && what !== "update") return null;
      ledger.outstanding = askFor(ledger, what, dice);
      return `the centre asks for ${what} of ${name}${ledger.wanted.kind === "none" ? ", which is new" : ""}`;
    },
    repeat(dice) {
      if (answered.length === 0) return null;
      const text = dice.pick(answered);
      return center.deliver(text) ? `an old message comes again: ${inShort(text)}` : null;
    },
    turn() {
      for (const text of center.take()) {
        trace.note("centre", () => `hears ${inShort(text)}`);
        take(text);
      }
      for (const { outstanding } of ledgers) {
        if (outstanding === null) continue;
        const arrives = center.deliver(outstanding.text);
        trace.note("centre", () => `says ${inShort(outstanding.text)}${arrives ? "" : ", to nobody"}`);
      }
    },
    replies: () => replies,
    surprises: () => surprises,
    lastReport: () => lastReport,
  };
}

function askFor(ledger: PodLedger, what: Asked, dice: Dice): PodLedger["outstanding"] {
  const msgId = dice.uuid();
  const { name, uid } = ledger;
  if (ledger.wanted.kind === "none") return update(ledger, dice.uuid(), dice);
  switch (what) {
    case "delete":
      return { msgId, text: podDelete({ name, msgId, uid }), wants: { kind: "none" } };
    case "gracefulDelete": {
      const pod = { name, msgId, uid, resourceVersion: String(ledger.version), spec: ledger.spec };
      return { msgId, text: gracefulDelete(pod, dice.below(31)), wants: { kind: "none" } };
    }
    case "restart":
      return { msgId, text: podRestart({ name, msgId }), wants: ledger.wanted };
    case "newUid":
      return update(ledger, dice.uuid(), dice);
    case "update":
      return update(ledger, uid, dice);
    default:
      return what satisfies never;
  }
}

/** A message in one line. */
function inShort(text: string): string {
  const { header, route, content } = JSON.parse(text);
  if (route.resource === "websocket/podstatus") return `podstatus ${content.map(entryInShort).join(", ")}`;
  if (typeof content === "string") return `${content} to ${header.parent_msg_id.slice(0, 8)}`;
  const { uid = "", resourceVersion = "" } = content?.metadata ?? {};
  const made = (content?.spec?.containers ?? []).map((one: { name: string; image: string }) => one.name);
  return `${route.operation} ${route.resource} ${header.msg_id.slice(0, 8)} ${uid.slice(0, 8)} v${resourceVersion} ${made.join("+")}`;
}

function entryInShort({ Name, status }: ReportEntry): string {
  const containers = (status.containerStatuses ?? []).map(
    (one) => `${one.name} ${Object.keys(one.state)[0]} ${one.restartCount}`,
  );
  return `${Name} ${status.phase} (${containers.join(", ")})`;
}

const containerNames = ["app", "side", "third"] as const;
const livenessProbe = { exec: { command: [liveCommand] }, periodSeconds: livePeriodSeconds, timeoutSeconds: 2 };
const readinessProbes = [
  { exec: { command: [readyCommand] }, periodSeconds: 5 },
  { httpGet: { path: "/ready", port: 8080, scheme: "HTTP" }, initialDelaySeconds: 3 },
];

function update(ledger: PodLedger, uid: string, random: Dice): PodLedger["outstanding"] {
  const msgId = random.uuid();
  const port = { containerPort: 80, hostPort: 8000 + ledger.name.charCodeAt(0), protocol: "TCP", hostIP: "127.0.0.1" };
  const container = (name: string): Readonly<Record<string, unknown>> => {
    const spec = podContent({ name, uid })["spec"] as { readonly containers: readonly [object] };
    return {
      ...spec.containers[0],
      name,
      image: random.below(4) === 0 ? images.second : images.first,
      env: [{ name: "VERSION", value: String(random.below(3)) }],
      ...(name === "app" && random.below(3) > 0 ? { ports: [port] } : {}),
    };
  };
  ledger.uid = uid;
  ledger.version += 1;
  const resourceVersion = String(ledger.version);
  const names = containerNames.slice(0, 1 + random.below(3));
  const probes = (alone: boolean): Readonly<Record<string, unknown>> => ({
    ...(random.below(3) === 0 ? {} : { livenessProbe }),
    // Containers of one pod share its address, which would not tell the simulated programs apart.
    ...(random.below(3) === 0 ? {} : { readinessProbe: alone ? random.pick(readinessProbes) : readinessProbes[0] }),
  });
  ledger.spec = { containers: names.map((name) => ({ ...container(name), ...probes(names.length === 1) })) };
  const text = podUpdate({ name: ledger.name, uid, msgId, resourceVersion, spec: ledger.spec });
  return { msgId, text, wants: { kind: "pod", uid, version: ledger.version } };
}
