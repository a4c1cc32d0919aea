import { connectedDueAt, deadBecause, heard, trafficSeen } from "./liveness.ts";
import { type Pace, paceOfClose, paceOfError, reconnectDelayMs } from "./reconnect.ts";
import type {
  Closing,
  Connected,
  Dialing,
  Open,
  Renewing,
  Stopped,
  UplinkEvent,
  UplinkOrder,
  UplinkState,
  Waiting,
} from "./uplink-state.ts";

/** What a step may know beside the state and the event. */
export interface StepContext {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
  /** A ping goes out at least this often. */
  readonly keepaliveMs: number;
}

export interface Step {
  readonly state: UplinkState;
  readonly orders: readonly UplinkOrder[];
}

/** From the name of the center to the answered upgrade. */
export const dialDeadlineMs = 20_000;
/** The link promises an end within two seconds, whatever the peer does. */
const closeDeadlineMs = 5_000;
/** A connection that stood this long was a good one: after it the first try comes at once again. */
export const lastingMs = 30_000;
const renewAgainMs = 60_000;

/** Before anything was tried: the first dial is due at once. */
export function firstState(now: number, known: { readonly answers: boolean }): Waiting {
  return { kind: "waiting", until: now, failures: 0, lastError: null, files: "", dialled: "", answers: known.answers };
}

/** When the state needs a tick at the latest: every state but the last one ends by itself. */
export function dueAt(state: UplinkState, keepaliveMs: number): number {
  switch (state.kind) {
    case "waiting":
    case "dialing":
    case "closing":
      return state.until;
    case "open":
      return connectedDueAt(state, keepaliveMs);
    case "renewing":
      return Math.min(state.until, connectedDueAt(state, keepaliveMs));
    case "stopped":
      return Number.POSITIVE_INFINITY;
    default:
      return state satisfies never;
  }
}

/** What an event makes of a state, and what is to be done about it. Pure; every state answers every event. */
export function step(state: UplinkState, event: UplinkEvent, at: StepContext): Step {
  switch (state.kind) {
    case "waiting":
      return whileWaiting(state, event, at);
    case "dialing":
      return whileDialing(state, event, at);
    case "open":
      return whileOpen(state, event, at);
    case "renewing":
      return whileRenewing(state, event, at);
    case "closing":
      return whileClosing(state, event, at);
    case "stopped":
      return whileStopped(state, event);
    default:
      return state satisfies never;
  }
}

function whileWaiting(state: Waiting, event: UplinkEvent, at: StepContext): Step {
  switch (event.kind) {
    case "tick":
      return at.now < state.until ? stay(state) : dial(state, at);
    case "files": {
      const seen = { ...state, files: event.version };
      // Whatever was wrong may be mended: a device is not kept waiting for it.
      const isMended = event.problem === null && state.dialled !== "" && event.version !== state.dialled;
      return isMended ? dial(seen, at) : stay(seen);
    }
    case "opened":
      return stay(state, { do: "discard" });
    case "stop":
      return stay({ kind: "stopped" });
    case "failed":
    case "message":
    case "pong":
    case "paused":
    case "resumed":
    case "closed":
      return stay(state);
    default:
      return event satisfies never;
  }
}

function whileDialing(state: Dialing, event: UplinkEvent, at: StepContext): Step {
  switch (event.kind) {
    case "tick": {
      if (at.now < state.until) return stay(state);
      const late = wait(state, at, { why: `No connection within ${dialDeadlineMs / 1000} s`, pace: "soon" });
      return { state: late, orders: [{ do: "giveUpDial" }] };
    }
    case "opened":
      return stay(opened(state, at), { do: "adopt" });
    case "failed": {
      const { message, retryAfterSeconds } = event.error;
      return stay(wait(state, at, { why: message, pace: paceOfError(event.error), retryAfterSeconds }));
    }
    case "files":
      return stay({ ...state, files: event.version });
    case "stop":
      return stay({ kind: "stopped" }, { do: "giveUpDial" });
    case "message":
    case "pong":
    case "paused":
    case "resumed":
    case "closed":
      return stay(state);
    default:
      return event satisfies never;
  }
}

function whileOpen(state: Open, event: UplinkEvent, at: StepContext): Step {
  switch (event.kind) {
    case "tick": {
      const moved = { ...state, ...trafficSeen(state, event.traffic, at.now) };
      const why = deadBecause(moved, at);
      if (why !== null) return close(moved, at, why);
      const isRenewalDue = moved.files !== moved.dialled && at.now >= moved.renewAt && moved.renewAt > 0;
      return isRenewalDue ? renew(moved, at) : stay(moved);
    }
    case "files": {
      const { version, problem } = event;
      if (version === state.files) return stay(state);
      const seen = { ...state, files: version };
      if (version === state.dialled) return stay({ ...seen, lastError: null, renewAt: 0 });
      if (problem === null) return renew(seen, at);
      return stay({ ...seen, lastError: keptBecause(problem), renewAt: 0 });
    }
    case "closed":
      return stay(wait(state, at, endOf(event)));
    case "opened":
      return stay(state, { do: "discard" });
    case "stop":
      return stop(state, at);
    case "message":
    case "pong":
    case "paused":
    case "resumed":
      return stay({ ...state, ...heard(state, event.kind, at.now) });
    case "failed":
      return stay(state);
    default:
      return event satisfies never;
  }
}

function whileRenewing(state: Renewing, event: UplinkEvent, at: StepContext): Step {
  switch (event.kind) {
    case "tick": {
      const moved = { ...state, ...trafficSeen(state, event.traffic, at.now) };
      const why = deadBecause(moved, at);
      if (why !== null) {
        return stay(dialingStill(moved, at, why), { do: "retire", code: 1001, reason: why });
      }
      if (at.now < state.until) return stay(moved);
      return stay(renewLater(moved, at, "no connection came of them"), { do: "giveUpDial" });
    }
    case "opened":
      return {
        state: opened(state, at),
        orders: [{ do: "retire", code: 1000, reason: "Renewed with other certificates" }, { do: "adopt" }],
      };
    case "failed":
      return stay(renewLater(state, at, event.error.message));
    case "closed":
      return stay(dialingStill(state, at, endOf(event).why));
    case "files":
      return stay({ ...state, files: event.version });
    case "stop": {
      const stopping = stop(state, at);
      return { ...stopping, orders: [{ do: "giveUpDial" }, ...stopping.orders] };
    }
    case "message":
    case "pong":
    case "paused":
    case "resumed":
      return stay({ ...state, ...heard(state, event.kind, at.now) });
    default:
      return event satisfies never;
  }
}

function whileClosing(state: Closing, event: UplinkEvent, at: StepContext): Step {
  const why = state.lastError ?? "Closed";
  switch (event.kind) {
    case "tick":
      if (at.now < state.until) return stay(state);
      return stay(ended(state, at, why), { do: "retire", code: 1001, reason: why });
    case "closed":
      return stay(ended(state, at, why));
    case "files":
      return stay({ ...state, files: event.version });
    case "opened":
      return stay(state, { do: "discard" });
    case "stop":
      return stay({ ...state, stopping: true });
    case "failed":
    case "message":
    case "pong":
    case "paused":
    case "resumed":
      return stay(state);
    default:
      return event satisfies never;
  }
}

function whileStopped(state: Stopped, event: UplinkEvent): Step {
  return event.kind === "opened" ? stay(state, { do: "discard" }) : stay(state);
}

function stay(state: UplinkState, order?: UplinkOrder): Step {
  return { state, orders: order === undefined ? [] : [order] };
}

type Carried = Pick<Waiting, "failures" | "lastError" | "files" | "dialled" | "answers">;

function carried({ failures, lastError, files, dialled, answers }: Carried): Carried {
  return { failures, lastError, files, dialled, answers };
}

function dial(state: Waiting, at: StepContext): Step {
  const next: Dialing = { ...carried(state), kind: "dialing", until: at.now + dialDeadlineMs, dialled: state.files };
  return stay(next, { do: "dial" });
}

function renew(state: Connected, at: StepContext): Step {
  return stay({ ...state, kind: "renewing", until: at.now + dialDeadlineMs, trying: state.files }, { do: "dial" });
}

function opened(state: Dialing | Renewing, { now }: StepContext): Open {
  const fresh = { since: now, heardAt: now, pausedAt: null, left: 0, read: 0, leftAt: now, renewAt: 0 };
  return { ...carried(state), ...fresh, kind: "open", lastError: null, dialled: triedBy(state) };
}

/** The files that the dial went out with: they may have changed again since. */
function triedBy(state: Dialing | Renewing): string {
  return state.kind === "renewing" ? state.trying : state.dialled;
}

interface End {
  readonly why: string;
  readonly pace: Pace;
  readonly retryAfterSeconds?: number | undefined;
}

function endOf({ code, reason }: { readonly code: number; readonly reason: string }): End {
  return { why: closeWords(code, reason), pace: paceOfClose(code) };
}

/** RFC 6455 7.1.5: 1006 is no code of the other side's, it stands for a connection that ended without a close message. */
function closeWords(code: number, reason: string): string {
  const words = reason === "" ? "" : `: ${reason}`;
  if (code === 1006) return `Connection to the center lost without a close message${words}`;
  return `The center closed the connection with code ${code}${words}`;
}

function wait(state: Dialing | Connected | Closing, at: StepContext, end: End): Waiting {
  const failures = failuresAfter(state, at.now);
  const delayMs = reconnectDelayMs(end.pace, failures, at.random, end.retryAfterSeconds);
  return { ...carried(state), kind: "waiting", failures, lastError: end.why, until: at.now + delayMs };
}

function failuresAfter(state: Dialing | Connected | Closing, now: number): number {
  return "since" in state && now - state.since >= lastingMs ? 1 : state.failures + 1;
}

function close(state: Connected, at: StepContext, why: string): Step {
  const failures = failuresAfter(state, at.now) - 1;
  const closing: Closing = {
    ...carried(state),
    kind: "closing",
    until: at.now + closeDeadlineMs,
    stopping: false,
    failures,
    lastError: why,
  };
  return stay(closing, { do: "close", code: 1001, reason: why });
}

function stop(state: Connected, at: StepContext): Step {
  const closing: Closing = { ...carried(state), kind: "closing", until: at.now + closeDeadlineMs, stopping: true };
  return stay(closing, { do: "close", code: 1001, reason: "The agent stops" });
}

function ended(state: Closing, at: StepContext, why: string): UplinkState {
  return state.stopping ? { kind: "stopped" } : wait(state, at, { why, pace: "soon" });
}

/** The old connection has gone before the new one stood: from here it is a dial like any other. */
function dialingStill(state: Renewing, at: StepContext, why: string): Dialing {
  const failures = failuresAfter(state, at.now) - 1;
  return { ...carried(state), kind: "dialing", until: state.until, failures, lastError: why, dialled: state.trying };
}

function renewLater({ until: _until, trying: _trying, ...state }: Renewing, at: StepContext, why: string): Open {
  return { ...state, kind: "open", lastError: keptBecause(why), renewAt: at.now + renewAgainMs };
}

function keptBecause(why: string): string {
  return `The changed certificates are not used, and the connection stays as it is: ${why}`;
}
