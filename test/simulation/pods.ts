import { gracefulDelete, podContent, podDelete, podRestart, podUpdate } from "../samples/messages.ts";
import { liveCommand, livePeriodSeconds, readyCommand } from "./programs.ts";
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

export type Wanted =
  | { readonly kind: "none" }
  | { readonly kind: "pod"; readonly uid: string; readonly version: number };

/** A centre that does as FusionDirector does: one message a pod at a time, repeated until it is answered. */
export interface Centre {
  readonly ledgers: readonly PodLedger[];
  /** Asks something new of a pod, if nothing is outstanding. */
  act(): void;
  /** Sends a message again that was answered long ago: the network may keep one that long. */
  repeat(): void;
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
  const { random, center } = world;
  const ledgers: PodLedger[] = names.map((name) => ({
    name,
    uid: random.uuid(),
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
    act() {
      const ledger = random.pick(ledgers);
      if (ledger.outstanding === null) ledger.outstanding = ask(world, ledger);
    },
    repeat() {
      if (answered.length > 0) center.deliver(random.pick(answered));
    },
    turn() {
      for (const text of center.take()) take(text);
      for (const { outstanding } of ledgers) if (outstanding !== null) center.deliver(outstanding.text);
    },
    replies: () => replies,
    surprises: () => surprises,
    lastReport: () => lastReport,
  };
}

function ask(world: World, ledger: PodLedger): PodLedger["outstanding"] {
  const { random } = world;
  const msgId = random.uuid();
  const { name } = ledger;
  if (ledger.wanted.kind === "none") return update(world, ledger, random.uuid());
  switch (random.below(8)) {
    case 0:
      return { msgId, text: podDelete({ name, msgId, uid: ledger.uid }), wants: { kind: "none" } };
    case 1:
      return {
        msgId,
        text: gracefulDelete(
          { name, msgId, uid: ledger.uid, resourceVersion: String(ledger.version), spec: ledger.spec },
          random.below(31),
        ),
        wants: { kind: "none" },
      };
    case 2:
      return { msgId, text: podRestart({ name, msgId }), wants: ledger.wanted };
    case 3:
      return update(world, ledger, random.uuid());
    default:
      return update(world, ledger, ledger.uid);
  }
}

const containerNames = ["app", "side", "third"] as const;
const livenessProbe = { exec: { command: [liveCommand] }, periodSeconds: livePeriodSeconds, timeoutSeconds: 2 };
const readinessProbes = [
  { exec: { command: [readyCommand] }, periodSeconds: 5 },
  { httpGet: { path: "/ready", port: 8080, scheme: "HTTP" }, initialDelaySeconds: 3 },
];

function update({ random }: World, ledger: PodLedger, uid: string): PodLedger["outstanding"] {
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
