import { isDiskFull } from "../../core/base/store-failure.ts";
import { fusionDirectorStatus, isPodStatus, type StatusDialect } from "../../core/protocol/fusion-director.ts";
import { firstPace, type Pace, paced } from "../../core/protocol/pace.ts";
import { keepalive, type PodStatusEntry, podStatusReport } from "../../core/protocol/replies.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Connection } from "../../ports/link.ts";
import type { Random } from "../../ports/random.ts";
import type { Store } from "../../ports/store.ts";
import { messageIds } from "../loop/message-ids.ts";
import { createWakeableLoop } from "../loop/wakeable-loop.ts";
import { replayNext } from "./history-replay.ts";
import { podEntries } from "./pod-entries.ts";

export interface ReporterParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly statusPeriodMs: number;
  readonly keepaliveMs: number;
  readonly statusDialect: StatusDialect;
  /** Something has arrived and left the outbox: it shows in `edge status`. */
  readonly onDelivered: () => void;
}

export interface Reporter {
  /** A connection stands: everything not yet delivered is said again, the status array first. */
  attach(connection: Connection, peer: { readonly answersPings: boolean }): void;
  detach(): void;
  /** A pod's status has changed. */
  statusChanged(): void;
  /** The outbox has something new. */
  outboxChanged(): void;
  /** Says something now, or not at all: nothing of it is kept. */
  sendNow(text: string): void;
  /** The peer has answered a ping: what was sent before it has arrived. */
  pong(payload: string): void;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Changes are sent at once, at most four a second (decisions.md 41: each report holds the whole array). */
const reportsASecond = 4;
/** After a report 99 times as long as it took is for other work, up to ten seconds: of large pods it may have megabytes. */
const restsAReport = 99;
const longestRestMs = 10_000;
/** What the socket has not taken yet is bounded; the rest waits in the store. */
const maxBufferedBytes = 1024 * 1024;
const batch = 64;
/** Of a window, after how much of it a ping goes out: what a line that breaks early has carried need not be said again. */
const pingsAWindow = 4;
/** Sent and not confirmed, at most: a peer that never answers must not make this list grow. */
const maxUnconfirmed = 1024;
/** Once the past is told, what happens now is told this often: each time costs two writes. */
const historyPeriodMs = 5_000;
/** How soon a report is tried again that the socket had no room for. */
const crowdedMs = 250;
/** How often what is under way is looked at: nothing tells that the socket has room again. */
const idleMs = 1_000;
/** With nothing under way it only waits for what is due, or a poke; this bounds the sleep so that no timer overflows. */
const longestMs = 3_600_000;

interface Unconfirmed {
  readonly seq: number;
  readonly sentAt: number;
  readonly outboxId: number | null;
  /** Of an outbox message: its size, and all that was under way with it. */
  readonly bytes: number;
  readonly underWayBytes: number;
  /** seqs of terminating pods whose final status was in this report. */
  readonly finals: readonly number[];
}

interface ConnectionState {
  readonly connection: Connection;
  readonly connectedAt: number;
  seq: number;
  /** The newest message with a ping behind it, and what of the outbox was sent since. */
  pinged: number;
  unpingedBytes: number;
  /** Outbox rows up to this id have been sent on this connection. */
  sentUpTo: number;
  dirty: boolean;
  /** When the last reports went out, at most four. */
  reportedAt: readonly number[];
  /** Until then nothing is reported, so that there is time for all else. */
  restsUntil: number;
  lastKeepaliveAt: number;
  /** The peer answers pings: only a pong lets go of anything then. */
  answered: boolean;
  historyAt: number;
  pace: Pace;
  /** The newest message when the pace last changed: only what was sent at this pace says anything about it. */
  pacedFrom: number;
  underWayBytes: number;
  unconfirmed: Unconfirmed[];
}

/**
 * What the device says: the status of all pods, built when it is sent, and the outbox, in order. A message is let go
 * of when a pong shows that the peer has read past it; until then it is sent again on the next connection.
 */
export function createReporter(parts: ReporterParts): Reporter {
  const { clock } = parts;
  let state: ConnectionState | null = null;
  const loop = createWakeableLoop(clock);

  return {
    attach(connection, { answersPings }) {
      const now = clock.mono();
      const counters = {
        seq: 0,
        pinged: 0,
        unpingedBytes: 0,
        sentUpTo: 0,
        reportedAt: [],
        restsUntil: now,
        lastKeepaliveAt: now,
      };
      const backlog = { historyAt: now, pace: firstPace, pacedFrom: 0, underWayBytes: 0, unconfirmed: [] };
      state = { connection, connectedAt: now, ...counters, ...backlog, dirty: true, answered: answersPings };
      loop.wake();
    },
    detach() {
      state = null;
    },
    statusChanged() {
      if (state !== null) state.dirty = true;
      loop.wake();
    },
    outboxChanged: loop.wake,
    sendNow(text) {
      state?.connection.send(text);
    },
    pong(payload) {
      if (state === null || !/^[0-9]{1,15}$/.test(payload)) return;
      state.answered = true;
      measure(state, Number(payload), clock.mono());
      release(parts, state, Number(payload));
      loop.wake();
    },
    run(signal) {
      return loop.run(() => {
        if (state === null) return longestMs;
        const waitMs = runOnce(parts, state);
        return Math.min(waitMs, isRestless(state) ? idleMs : longestMs);
      }, signal);
    },
  };
}

/** Sends what is due; gives the milliseconds until something is. */
function runOnce(parts: ReporterParts, state: ConnectionState): number {
  const now = parts.clock.mono();
  // A reply does not wait for a report to be written; only the first one on a connection comes before all else.
  if (state.reportedAt.length > 0) sendOutbox(parts, state, now);
  const reportInMs = reportDue(parts, state, now);
  if (reportInMs <= 0) sendReport(parts, state, now);
  ping(state);
  sendOutbox(parts, state, now);
  sendHistory(parts, state, now);
  const keepaliveInMs = state.lastKeepaliveAt + parts.keepaliveMs - now;
  if (keepaliveInMs <= 0) {
    state.lastKeepaliveAt = now;
    state.seq += 1;
    state.connection.send(keepalive(messageIds(parts)));
  }
  ping(state);
  fallback(parts, state, now);
  return Math.max(1, Math.min(reportDue(parts, state, now), state.lastKeepaliveAt + parts.keepaliveMs - now));
}

/** Whether time may bring what no poke tells of. */
function isRestless({ connection, unconfirmed }: ConnectionState): boolean {
  return unconfirmed.length > 0 || connection.asksHistory || connection.bufferedBytes() > 0;
}

/** Asks the peer to confirm all that was sent so far. */
function ping(state: ConnectionState): void {
  if (state.pinged === state.seq) return;
  state.pinged = state.seq;
  state.unpingedBytes = 0;
  state.connection.ping(String(state.seq));
}

function reportDue(parts: ReporterParts, state: ConnectionState, now: number): number {
  // A peer that does not read gets one report when it does, not all that it has missed.
  if (state.connection.bufferedBytes() >= maxBufferedBytes) return crowdedMs;
  const last = state.reportedAt.at(-1);
  if (last === undefined) return 0;
  if (!state.dirty) return last + parts.statusPeriodMs - now;
  const [oldest = 0] = state.reportedAt;
  const inTurnMs = state.reportedAt.length < reportsASecond ? 0 : oldest + 1_000 - now;
  return Math.max(inTurnMs, state.restsUntil - now);
}

function sendReport(parts: ReporterParts, state: ConnectionState, now: number): void {
  const terminating = parts.store.terminatingPods.list();
  state.dirty = false;
  state.reportedAt = [...state.reportedAt, now].slice(-reportsASecond);
  const entries = inDialect(parts, podEntries(parts.store));
  const isSent = state.connection.send(podStatusReport(entries, messageIds(parts)));
  const after = parts.clock.mono();
  state.restsUntil = after + Math.min(restsAReport * (after - now), longestRestMs);
  if (!isSent) return;
  const finals = terminating
    .filter((terminatingPod) => terminatingPod.isTerminated)
    .map((terminatingPod) => terminatingPod.seq);
  confirmLater(state, { sentAt: now, outboxId: null, bytes: 0, underWayBytes: 0, finals });
}

function inDialect(parts: ReporterParts, entries: readonly PodStatusEntry[]): readonly PodStatusEntry[] {
  if (parts.statusDialect === "kubernetes") return entries;
  const wall = parts.clock.wall();
  return entries.map((entry) => ({
    ...entry,
    // A pod whose first status was not worked out yet has none.
    status: isPodStatus(entry.status) ? fusionDirectorStatus(entry.status, wall) : entry.status,
  }));
}

function sendOutbox(parts: ReporterParts, state: ConnectionState, now: number): void {
  while (hasRoom(state)) {
    const rows = parts.store.outbox.list(state.sentUpTo, batch);
    for (const row of rows) {
      if (!hasRoom(state) || !state.connection.send(row.text)) return;
      state.sentUpTo = row.id;
      const bytes = row.text.length;
      state.underWayBytes += bytes;
      const { underWayBytes } = state;
      confirmLater(state, { sentAt: now, outboxId: row.id, bytes, underWayBytes, finals: [] });
      state.unpingedBytes += bytes;
      if (state.unpingedBytes * pingsAWindow >= state.pace.windowBytes) ping(state);
    }
    if (rows.length < batch) return;
  }
}

/** A fresh status stands behind what is under way, so only so much is. One message always may be. */
function hasRoom({ connection, unconfirmed, underWayBytes, pace }: ConnectionState): boolean {
  const isFree = connection.bufferedBytes() < maxBufferedBytes && unconfirmed.length < maxUnconfirmed;
  return isFree && underWayBytes < pace.windowBytes;
}

/** The past follows once everything else has arrived, one message at a time, to a center that asked for it. */
function sendHistory(parts: ReporterParts, state: ConnectionState, now: number): void {
  if (!state.connection.asksHistory || now < state.historyAt || parts.store.outbox.counts().pending > 0) return;
  const isMore = unlessFull(() => replayNext(parts, state.pace.windowBytes)) ?? false;
  state.historyAt = isMore ? now : now + historyPeriodMs;
  sendOutbox(parts, state, now);
}

function confirmLater(state: ConnectionState, sent: Omit<Unconfirmed, "seq">): void {
  state.seq += 1;
  // A report that nothing hangs on needs no confirmation.
  if (sent.outboxId !== null || sent.finals.length > 0) state.unconfirmed.push({ ...sent, seq: state.seq });
}

/** What the newest message that this pong confirms says about the line. */
function measure(state: ConnectionState, upTo: number, now: number): void {
  const newest = state.unconfirmed.findLast((message) => message.seq <= upTo && message.outboxId !== null);
  if (newest === undefined || newest.seq <= state.pacedFrom) return;
  const before = state.pace.windowBytes;
  state.pace = paced(state.pace, { tookMs: now - newest.sentAt, underWayBytes: newest.underWayBytes });
  if (state.pace.windowBytes !== before) state.pacedFrom = state.seq;
}

function release(parts: ReporterParts, state: ConnectionState, upTo: number): void {
  const arrived = state.unconfirmed.filter((message) => message.seq <= upTo);
  if (arrived.length === 0) return;
  const { store } = parts;
  const isReleased = unlessFull(() =>
    store.transaction("normal", () => {
      store.outbox.release(arrived.map((message) => message.outboxId).filter((id) => id !== null));
      for (const seq of new Set(arrived.flatMap((message) => message.finals)))
        if (dropDelivered(store, seq)) state.dirty = true;
      return true;
    }),
  );
  // On a full disk they stay unconfirmed, and the next pong releases them too.
  if (isReleased !== true) return;
  state.unconfirmed = state.unconfirmed.filter((message) => message.seq > upTo);
  state.underWayBytes = state.unconfirmed.reduce((sum, message) => sum + message.bytes, 0);
  parts.onDelivered();
}

/** What a write gives, undefined if the disk has no room for it. */
function unlessFull<T>(write: () => T): T | undefined {
  try {
    return write();
  } catch (error) {
    if (isDiskFull(error)) return undefined;
    throw error;
  }
}

/** A pod that is gone leaves the report once its final status has arrived; true when it did, which is a change. */
function dropDelivered(store: Store, seq: number): boolean {
  const terminating = store.terminatingPods
    .list()
    .find((terminatingPod) => terminatingPod.seq === seq && terminatingPod.isTerminated);
  if (terminating === undefined) return false;
  store.terminatingPods.delete(seq);
  if (store.desiredPods.get(terminating.id.namespace, terminating.id.name)?.pod.id.uid !== terminating.id.uid)
    store.statuses.delete(terminating.id.uid);
  return true;
}

/** A peer that never answers pings: delivered is what left the socket two keepalive periods ago. */
function fallback(parts: ReporterParts, state: ConnectionState, now: number): void {
  if (state.answered || state.connection.bufferedBytes() > 0) return;
  const old = now - 2 * parts.keepaliveMs;
  const last = state.unconfirmed.filter((message) => Math.max(message.sentAt, state.connectedAt) <= old).at(-1);
  if (last !== undefined) release(parts, state, last.seq);
}
