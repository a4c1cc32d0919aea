// agent/uplink: the connection to the center, and what is sent on it.

import type { Certificate } from "../../core/protocol/certificate.ts";
import { dueAt, firstState, type StepContext, step } from "../../core/protocol/uplink.ts";
import type { Traffic, UplinkEvent, UplinkOrder, UplinkState } from "../../core/protocol/uplink-state.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Connection, Link } from "../../ports/link.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { woken } from "../loop/woken.ts";
import type { Intake } from "../messages/intake.ts";
import { certificateWatch } from "./certificate-watch.ts";
import type { Reporter } from "./reporter.ts";

export interface UplinkParts {
  readonly link: Link;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: Store;
  readonly events: EventRecorder;
  readonly intake: Intake;
  readonly reporter: Reporter;
  readonly settings: { readonly keepaliveMs: number; readonly centerUrl: string };
  /** The state of the link has changed: it shows in `edge status`. */
  readonly onConnectionStateChanged: (state: ConnectionState) => void;
}

export interface ConnectionState {
  /** none: no center is configured. */
  readonly state: "online" | "connecting" | "offline" | "none";
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly lastError: string | null;
  readonly certificates: readonly Certificate[];
}

/** How often the credential files are looked at, and the connection's traffic. */
const lookPeriodMs = 5_000;
const answeringCenter = "centerThatAnswersPings";
const noTraffic: Traffic = { buffered: 0, left: 0, read: 0 };

/** One dial and what came of it. */
interface Call {
  readonly giveUp: AbortController;
  connection: Connection | null;
  draining: Promise<void> | null;
  /** The connection has ended. */
  isOver: boolean;
}

interface Uplink {
  readonly parts: UplinkParts;
  state: UplinkState;
  shownState: ConnectionState;
  /** The dial under way, the connection that counts. */
  dialling: Call | null;
  current: Call | null;
  /** Every call whose end is still to come. */
  readonly calls: Set<Promise<void>>;
  readonly watch: (certificates: readonly Certificate[]) => void;
  /** Why there is no connection, as the last event had it: "" before the first one, null after a connection. */
  noted: string | null;
  lookedAt: number;
  broken: { readonly error: unknown } | null;
  alarm: AbortController;
}

/**
 * Keeps a connection to the center whenever there is a center, as the state machine in core/protocol says. Offline is a
 * normal state: nothing waits for this.
 */
export async function runUplink(parts: UplinkParts, signal: AbortSignal): Promise<void> {
  const { clock, store } = parts;
  const state = firstState(clock.mono(), { answers: store.getMeta(answeringCenter) === parts.settings.centerUrl });
  const { certificates } = parts.link.credentials();
  const shownState: ConnectionState = { state: "connecting", since: clock.wall(), lastError: null, certificates };
  const none = { dialling: null, current: null, broken: null, noted: "" };
  const watch = certificateWatch(parts);
  const uplink: Uplink = {
    ...none,
    watch,
    parts,
    state,
    shownState,
    calls: new Set(),
    lookedAt: -lookPeriodMs,
    alarm: new AbortController(),
  };
  parts.onConnectionStateChanged(shownState);
  const stop = (): void => handleEvent(uplink, { kind: "stop" });
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  while (uplink.state.kind !== "stopped") {
    uplink.alarm = new AbortController();
    runOnce(uplink);
    const waitMs = Math.min(dueAt(uplink.state, parts.settings.keepaliveMs) - clock.mono(), lookPeriodMs);
    await clock.sleep(Math.max(0, waitMs), uplink.alarm.signal);
    // After a stall a deadline is judged one turn later, when what has arrived meanwhile has been read.
    await clock.sleep(0);
    if (uplink.broken !== null) break;
  }
  signal.removeEventListener("abort", stop);
  if (uplink.broken !== null) abandon(uplink);
  await Promise.all(uplink.calls);
  if (uplink.broken !== null) throw uplink.broken.error;
}

/** After an error that nothing expected: every connection is closed, and the next run dials anew. */
function abandon({ current, dialling, parts }: Uplink): void {
  parts.reporter.detach();
  dialling?.giveUp.abort();
  dialling?.connection?.close(1011, "Internal error");
  current?.connection?.close(1011, "Internal error");
}

/** Time has passed: looks at the files now and then, and just before they are used. */
function runOnce(uplink: Uplink): void {
  const { clock, link, settings } = uplink.parts;
  const now = clock.mono();
  const isDialDue = uplink.state.kind === "waiting" && now >= dueAt(uplink.state, settings.keepaliveMs);
  if (isDialDue || now - uplink.lookedAt >= lookPeriodMs) {
    uplink.lookedAt = now;
    const { version, problem, certificates } = link.credentials();
    uplink.watch(certificates);
    if (certificates !== uplink.shownState.certificates) setShownState(uplink, { ...uplink.shownState, certificates });
    handleEvent(uplink, { kind: "files", version, problem });
  }
  handleEvent(uplink, { kind: "tick", traffic: trafficOf(uplink.current) });
}

function trafficOf(call: Call | null): Traffic {
  const connection = call?.connection;
  return connection == null ? noTraffic : { buffered: connection.bufferedBytes(), ...connection.movedBytes() };
}

function handleEvent(uplink: Uplink, event: UplinkEvent): void {
  const { clock, random, store } = uplink.parts;
  const { keepaliveMs, centerUrl } = uplink.parts.settings;
  const before = uplink.state;
  const at: StepContext = { now: clock.mono(), random: event.kind === "message" ? 0 : random.next(), keepaliveMs };
  const { state, orders } = step(before, event, at);
  uplink.state = state;
  for (const order of orders) carryOut(uplink, order);
  const learned = "answers" in state && state.answers && "answers" in before && !before.answers;
  if (learned) store.setMeta(answeringCenter, centerUrl);
  if (!isConnected(state) && isConnected(before)) uplink.parts.reporter.detach();
  noteLink(uplink, before);
  publishState(uplink, before);
  // A message only moves the deadline away: the loop need not look up for each one.
  if (state.kind !== before.kind || dueAt(state, keepaliveMs) < dueAt(before, keepaliveMs)) uplink.alarm.abort(woken);
}

function isConnected(state: UplinkState): boolean {
  return state.kind === "open" || state.kind === "renewing";
}

/**
 * A link that broke is an event, and so is a dial that fails for another reason than was told last: one that fails for
 * the same reason for a month writes nothing. A connection after either is one, too, and the first of this agent.
 */
function noteLink(uplink: Uplink, before: UplinkState): void {
  const { state, noted, parts } = uplink;
  if (isConnected(state) && !isConnected(before) && noted !== null) {
    uplink.noted = null;
    parts.events.recordDeviceEvent({ type: "Normal", reason: "LinkUp", message: "Connected to the center" });
  }
  if (state.kind === "stopped" || (state.kind === "closing" && state.stopping)) return;
  const isBroken = isConnected(before) && !isConnected(state);
  const isOtherFailure = before.kind === "dialing" && state.kind === "waiting" && state.lastError !== noted;
  if (!isBroken && !isOtherFailure) return;
  uplink.noted = state.lastError;
  const reason = isBroken ? "LinkLost" : "LinkFailed";
  parts.events.recordDeviceEvent({ type: "Warning", reason, message: state.lastError ?? "" });
}

/** What `edge status` shows of a state. Trying again is no change: offline is since when the link was lost. */
function publishState(uplink: Uplink, before: UplinkState): void {
  const { clock, log } = uplink.parts;
  const { state, shownState } = uplink;
  if (state.kind === "stopped") return;
  if (state.kind === "waiting" && before.kind !== "waiting") {
    log.write("info", "Link down", { why: state.lastError, retryInMs: Math.round(state.until - clock.mono()) });
  }
  const isFirstDial = shownState.state === "connecting" && state.lastError === null;
  const next = isConnected(state) ? "online" : isFirstDial ? "connecting" : "offline";
  if (next === shownState.state && state.lastError === shownState.lastError) return;
  if (next === "online" && state.lastError !== null) log.write("warn", "Credentials", { why: state.lastError });
  const since = next === shownState.state ? shownState.since : clock.wall();
  setShownState(uplink, { ...shownState, state: next, since, lastError: state.lastError });
}

function setShownState(uplink: Uplink, next: ConnectionState): void {
  uplink.shownState = next;
  uplink.parts.onConnectionStateChanged(next);
}

function carryOut(uplink: Uplink, order: UplinkOrder): void {
  const { dialling, current } = uplink;
  switch (order.do) {
    case "dial":
      dial(uplink);
      break;
    case "giveUpDial":
      dialling?.giveUp.abort();
      uplink.dialling = null;
      break;
    case "adopt": {
      uplink.current = dialling;
      uplink.dialling = null;
      const answersPings = "answers" in uplink.state && uplink.state.answers;
      if (dialling?.connection != null) uplink.parts.reporter.attach(dialling.connection, { answersPings });
      break;
    }
    case "discard":
      dialling?.connection?.close(1001, "Too late");
      uplink.dialling = null;
      break;
    case "close":
      current?.connection?.close(order.code, order.reason);
      break;
    case "retire":
      current?.connection?.close(order.code, order.reason);
      uplink.current = null;
      break;
    default:
      order satisfies never;
  }
}

function dial(uplink: Uplink): void {
  const call: Call = { giveUp: new AbortController(), connection: null, draining: null, isOver: false };
  uplink.dialling = call;
  const ended = connect(uplink, call).catch((error: unknown) => {
    uplink.broken ??= { error };
    uplink.alarm.abort();
  });
  uplink.calls.add(ended);
  void ended.then(() => uplink.calls.delete(ended));
}

/** Dials, and resolves when what was opened has ended. */
async function connect(uplink: Uplink, call: Call): Promise<void> {
  const { link } = uplink.parts;
  const end = Promise.withResolvers<void>();
  // Where the dial itself ends by an error, nobody waits for this one, and rejected it would end the process.
  end.promise.catch(() => undefined);
  const handlers = {
    message(text: string) {
      unlessItThrows(() => receive(uplink, call, text, end.reject));
    },
    pong(payload: string) {
      unlessItThrows(() => {
        if (call !== uplink.current) return;
        handleEvent(uplink, { kind: "pong" });
        uplink.parts.reporter.pong(payload);
      });
    },
    closed({ code, reason }: { readonly code: number; readonly reason: string }) {
      call.isOver = true;
      unlessItThrows(() => {
        if (call !== uplink.current) return;
        uplink.current = null;
        handleEvent(uplink, { kind: "closed", code, reason });
      });
      end.resolve();
    },
  };
  // Thrown into the socket that calls it, an error would end the process.
  function unlessItThrows(handle: () => void): void {
    try {
      handle();
    } catch (error) {
      end.reject(error);
    }
  }
  const result = await link.dial(handlers, call.giveUp.signal);
  const isWanted = call === uplink.dialling;
  if (!result.ok) {
    if (isWanted) handleEvent(uplink, { kind: "failed", error: result.error });
    return;
  }
  call.connection = result.connection;
  if (isWanted) handleEvent(uplink, { kind: "opened" });
  else result.connection.close(1001, "Too late");
  await end.promise;
  if (call.draining !== null) await call.draining;
}

/** Replies that the socket has not taken: beyond this nothing is read, so that a center that does not read cannot fill the heap. */
const maxUnreadReplyBytes = 1024 * 1024;
const roomPeriodMs = 100;

/** Messages that are read in one turn of the loop share one commit; too many that wait for it pause reading. */
function receive(uplink: Uplink, call: Call, text: string, failed: (error: unknown) => void): void {
  const { clock, intake } = uplink.parts;
  const isCurrent = (): boolean => call === uplink.current;
  const pause = (): void => {
    call.connection?.pause();
    if (isCurrent()) handleEvent(uplink, { kind: "paused" });
  };
  const isSocketFull = (): boolean => !call.isOver && (call.connection?.bufferedBytes() ?? 0) > maxUnreadReplyBytes;
  intake.receive(text);
  if (isCurrent()) handleEvent(uplink, { kind: "message" });
  if (intake.full()) pause();
  if (call.draining !== null) return;
  const drain = async (): Promise<void> => {
    await clock.sleep(0);
    intake.flush();
    if (isSocketFull()) pause();
    // A connection that takes nothing for two minutes is closed, which ends the wait too.
    while (isSocketFull()) await clock.sleep(roomPeriodMs);
    call.draining = null;
    call.connection?.resume();
    if (isCurrent()) handleEvent(uplink, { kind: "resumed" });
  };
  call.draining = drain();
  call.draining.catch(failed);
}
