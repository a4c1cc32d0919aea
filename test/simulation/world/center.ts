import type { Dice } from "../../fakes/random.ts";
import { podDelete, podUpdate } from "../../samples/messages.ts";
import { type ConfigMapLedger, createConfigMapLedger } from "./config-map-ledger.ts";
import {
  type Asked,
  accept,
  askFor,
  expected,
  mayAsk,
  type Outstanding,
  type PodLedger,
  possible,
  settle,
  toSay,
  update,
  want,
} from "./pod-ledger.ts";
import { createPodsDataLedger, type PodsDataLedger } from "./pods-data-ledger.ts";
import type { World } from "./world.ts";

/** A center that repeats each message until it is answered, as FusionDirector does, and asks on meanwhile. */
export interface Center {
  readonly ledgers: readonly PodLedger[];
  readonly configMap: ConfigMapLedger;
  readonly podsData: Pick<PodsDataLedger, "outstanding" | "mayBeDone">;
  /** Asks something new of a pod; null when too much is outstanding, or it cannot be asked of what is wanted. */
  ask(name: string, what: Asked, dice: Dice): string | null;
  /** Asks for another version of the config map, or that it goes; null when something is outstanding, or there is none. */
  askConfigMap(what: "update" | "delete", dice: Dice): string | null;
  /** Asks that everything goes; null while anything is outstanding. */
  askPodsData(dice: Dice): string | null;
  /** Sends a message again that was answered long ago: the network may keep one that long. */
  repeat(dice: Dice): string | null;
  /** Sends an older update as if it were new, of a pod that runs or of one that was deleted: it is to be refused. */
  stale(name: string, dice: Dice): string | null;
  /** Sends the delete of an older pod of this name as if it were new: it must not touch the one that is wanted. */
  lateDelete(name: string, dice: Dice): string | null;
  /** Sends at once what nobody should send, and old messages by the hundred. */
  flood(dice: Dice): string | null;
  /** The device has lost what it was told: all is asked again, or is to go. */
  deviceForgot(dice: Dice): void;
  /** What it asks for from now on may be refused for this reason, or may not any more. */
  mayRefuse(why: string, on: boolean): void;
  /** Takes in what has arrived. */
  hear(): void;
  /** The same, and sends again what was not answered. */
  turn(): void;
  /** msg_ids of replies by the request they answer: a repeat carries the same one. */
  replies(): ReadonlyMap<string, ReadonlySet<string>>;
  /** Answers that were not expected. */
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

const garbage = [
  "",
  "null",
  "[]",
  "{",
  '{"header":{"msg_id":"x"},"route":{}}',
  `{"header":${"[".repeat(2_000)}${"]".repeat(2_000)}}`,
  podDelete({ name: "../../etc", msgId: "66666666-0000-4000-8000-000000000001", uid: "" }),
  podUpdate({ name: "hostile", uid: "not-a-uid", msgId: "66666666-0000-4000-8000-000000000002" }),
] as const;

const never = "what runs once is not restarted";

export function createCenter(world: World, names: readonly string[]): Center {
  const { center, trace } = world;
  const none = { kind: "none" } as const;
  const ledgers: PodLedger[] = names.map((name) => ({
    name,
    version: 0,
    outstanding: [],
    wanted: none,
    old: [],
    mostGeneration: 0,
    restarts: 0,
  }));
  const replies = new Map<string, Set<string>>();
  const surprises: string[] = [];
  const answered: string[] = [];
  /** msg_ids of messages that are to be refused. */
  const refusable = new Set<string>();
  const reasons = new Set<string>();
  const configMap = createConfigMapLedger();
  const podsData = createPodsDataLedger();
  const reason = (): string | null => [...reasons][0] ?? null;
  let lastReport: readonly ReportEntry[] = [];

  /** A pod leaves the report only after its end was in it. */
  function report(next: readonly ReportEntry[]): void {
    for (const { Name, UID, status } of lastReport) {
      if (next.some((one) => one.UID === UID) || ["Succeeded", "Failed"].includes(status.phase)) continue;
      surprises.push(`${Name} has left the report, and its end was never told`);
    }
    lastReport = next;
  }

  function take(text: string): void {
    const { header, route, content } = JSON.parse(text) as {
      header: { msg_id: string; parent_msg_id: string };
      route: { operation: string; resource: string };
      content: unknown;
    };
    if (route.resource === "websocket/podstatus") report(content as readonly ReportEntry[]);
    const order = route.resource === "websocket/config_result" ? podsData.heard(header.msg_id, content) : null;
    if (order !== null) everythingWent(order);
    if (header.parent_msg_id === "") return;
    if (refusable.has(header.parent_msg_id)) {
      if (content === "OK") surprises.push(`an old update was taken on: ${header.parent_msg_id}`);
      return;
    }
    // A refusal is told anew each time; what was taken on has one answer.
    if (content === "OK") {
      replies.set(header.parent_msg_id, (replies.get(header.parent_msg_id) ?? new Set()).add(header.msg_id));
    }
    const ofConfigMap = configMap.answered(header.parent_msg_id, content);
    if (ofConfigMap?.accepted !== undefined) answered.push(ofConfigMap.accepted);
    if (ofConfigMap?.surprise !== undefined) surprises.push(ofConfigMap.surprise);
    for (const ledger of ledgers) {
      const one = ledger.outstanding.find(({ msgId }) => msgId === header.parent_msg_id);
      if (one !== undefined) takeAnswer(ledger, one, content);
    }
  }

  function takeAnswer(ledger: PodLedger, one: Outstanding, content: unknown): void {
    const isAccepted = content === "OK";
    // Refused for want of room it is asked again: another copy of it may be under way, and find some.
    if (!isAccepted && one.mayRefuse !== null && one.mayRefuse !== never) return;
    settle(ledger, one, isAccepted ? "accepted" : "refused");
    if (isAccepted) {
      accept(ledger, one);
      answered.push(one.text);
    } else if (one.mayRefuse === null) surprises.push(`${ledger.name}: ${String(content)}`);
  }

  /** Told to have succeeded, it has left nothing that runs, but for what a stuck engine has started since. */
  function everythingWent({ text, succeeded }: { readonly text: string; readonly succeeded: boolean }): void {
    answered.push(text);
    for (const ledger of ledgers) {
      const { wanted, name } = ledger;
      const isOfIt = (uid: string | undefined): boolean => wanted.kind === "pod" && uid === wanted.uid;
      const left = world.host
        .running()
        .some(({ id, request }) => isOfIt(request?.pod.id.uid) && world.host.startedAside(id) === null);
      if (succeeded && left) surprises.push(`everything is deleted, it says, and ${name} runs`);
      want(ledger, none);
    }
    configMap.forgot();
  }

  function say(text: string): boolean {
    const arrives = center.deliver(text);
    trace.note("center", () => `says ${inShort(text)}${arrives ? "" : ", to nobody"}`);
    return arrives;
  }

  function hear(): void {
    for (const text of center.take()) {
      trace.note("center", () => `hears ${inShort(text)}`);
      take(text);
    }
  }

  return {
    ledgers,
    configMap,
    askConfigMap(what, dice) {
      if (podsData.outstanding() !== null) return null;
      return what === "update" ? configMap.update(dice, reason()) : configMap.remove(dice, reason());
    },
    podsData,
    askPodsData(dice) {
      const isBusy = configMap.outstanding() !== null || ledgers.some(({ outstanding }) => outstanding.length > 0);
      return isBusy ? null : podsData.ask(dice);
    },
    ask(name, what, dice) {
      const ledger = ledgers.find((one) => one.name === name);
      if (ledger === undefined || podsData.outstanding() !== null || !mayAsk(ledger, what)) return null;
      const isNew = expected(ledger).kind === "none";
      const mayRefuse = refusal(ledger, what);
      ledger.outstanding.push({ ...askFor(ledger, what, dice), mayRefuse, isSent: false });
      return `the center asks for ${what} of ${name}${isNew ? ", which is new" : ""}`;
    },
    repeat(dice) {
      if (answered.length === 0) return null;
      const text = dice.pick(answered);
      return say(text) ? `an old message comes again: ${inShort(text)}` : null;
    },
    stale(name, dice) {
      const ledger = ledgers.find((one) => one.name === name);
      if (ledger === undefined || ledger.outstanding.length > 0 || ledger.old.length === 0) return null;
      const message = JSON.parse(dice.pick(ledger.old));
      const msgId = dice.uuid();
      const { uid, resourceVersion } = message.content.metadata;
      const { wanted } = ledger;
      if (wanted.kind === "pod" && wanted.uid === uid && Number(resourceVersion) >= wanted.version) return null;
      refusable.add(msgId);
      const sent = say(JSON.stringify({ ...message, header: { ...message.header, msg_id: msgId } }));
      return sent ? `version ${resourceVersion} of ${name} comes after newer ones` : null;
    },
    lateDelete(name, dice) {
      const ledger = ledgers.find((one) => one.name === name);
      if (ledger === undefined) return null;
      const isWanted = (uid: string): boolean => possible(ledger).some((one) => one.kind === "pod" && one.uid === uid);
      const old = ledger.old.map((text): string => JSON.parse(text).content.metadata.uid);
      const uids = old.filter((uid) => !isWanted(uid));
      if (uids.length === 0) return null;
      const uid = dice.pick(uids);
      return say(podDelete({ name, msgId: dice.uuid(), uid }))
        ? `the delete of an older ${name} (${uid}) comes late`
        : null;
    },
    flood(dice) {
      if (!center.connected()) return null;
      const count = 50 + dice.below(100);
      for (let i = 0; i < count; i += 1) {
        if (answered.length > 0 && dice.below(2) === 0) say(dice.pick(answered));
        else center.deliver(dice.pick(garbage));
      }
      return `${count} messages at once, half of them nonsense`;
    },
    deviceForgot(dice) {
      answered.length = 0;
      lastReport = [];
      configMap.forgot();
      podsData.forgot();
      for (const ledger of ledgers) {
        const { wanted } = ledger;
        const was = expected(ledger);
        ledger.outstanding.length = 0;
        ledger.wanted = none;
        ledger.mostGeneration = 0;
        ledger.restarts = 0;
        ledger.old.length = 0;
        const msgId = dice.uuid();
        // What it knew to be terminating is forgotten as well: a pod that is not to be here is deleted anew.
        const goes = was.kind === "none" || dice.below(2) === 0;
        const asks = goes
          ? { msgId, text: podDelete({ name: ledger.name, msgId, uid: "" }), wants: none, uid: "" }
          : update(ledger, wanted.kind === "pod" ? wanted.uid : was.uid, was.policy, dice);
        ledger.outstanding.push({ ...asks, mayRefuse: reason(), isSent: false });
      }
    },
    mayRefuse(why, on) {
      if (on) reasons.add(why);
      else reasons.delete(why);
      if (!on) return;
      for (const one of ledgers.flatMap(({ outstanding }) => outstanding)) one.mayRefuse ??= why;
      configMap.mayRefuse(why);
    },
    hear,
    turn() {
      hear();
      if (podsData.outstanding() === null) configMap.askIfNeeded();
      // It may come after what somebody on the device asks for meanwhile.
      else world.ledger.mayBeGone();
      const toAll = [podsData.outstanding(), configMap.outstanding()];
      for (const text of toAll) {
        if (text !== null && say(text) && text === podsData.outstanding()) podsData.sent();
      }
      for (const one of ledgers.flatMap(toSay)) if (say(one.text)) one.isSent = true;
    },
    replies: () => replies,
    surprises: () => surprises,
    lastReport: () => lastReport,
  };

  /** What may be refused before it, may make it come to nothing as well. */
  function refusal(ledger: PodLedger, what: Asked): string | null {
    const before = ledger.outstanding.map(({ mayRefuse }) => mayRefuse).find((why) => why !== null && why !== never);
    const targets = before === undefined ? [expected(ledger)] : possible(ledger);
    if (what === "restart" && targets.some((one) => one.kind === "pod" && one.policy === "Never")) return never;
    return reason() ?? before ?? null;
  }
}

/** A message in one line. */
function inShort(text: string): string {
  const { header, route, content } = JSON.parse(text);
  if (route.resource === "websocket/podstatus") return `podstatus ${content.map(entryInShort).join(", ")}`;
  if (typeof content === "string" && header.parent_msg_id !== "")
    return `${content.slice(0, 200)} to ${header.parent_msg_id.slice(0, 8)}`;
  const { uid = "", resourceVersion = "" } = content?.metadata ?? {};
  const made = (content?.spec?.containers ?? []).map((one: { name: string; image: string }) => one.name);
  const what = `${route.operation} ${route.resource} ${header.msg_id.slice(0, 8)}`;
  return `${what} ${uid.slice(0, 8)} v${resourceVersion} ${made.join("+")}`;
}

function entryInShort({ Name, status }: ReportEntry): string {
  const containers = (status.containerStatuses ?? []).map(
    (one) => `${one.name} ${Object.keys(one.state)[0]} ${one.restartCount}`,
  );
  return `${Name} ${status.phase} (${containers.join(", ")})`;
}
