import type { LinkError } from "../../src/core/protocol/link-error.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Connection, Credentials, DialResult, Link, LinkHandlers } from "../../src/ports/link.ts";

/** What happens to the next dials: opens, fails with an error, or hangs until the dialler gives up. */
export type DialAnswer = "open" | "hang" | LinkError;

/** Which ways of a line stall. */
export type Stalled = "no" | "toCenter" | "bothWays";

export interface FakeLink {
  readonly link: Link;
  readonly center: FakeCenter;
}

/** The other end of the fake link: a center that a test holds by hand. */
export interface FakeCenter {
  /** From now on; connections that stand are not touched. */
  answerDials(answer: DialAnswer): void;
  dials(): number;
  connected(): boolean;
  /** Sends one message to the device; false when nobody is connected. */
  deliver(text: string): boolean;
  /** Everything that arrived here since the start, oldest first. */
  received(): readonly string[];
  /** What arrived since the last call of this. */
  take(): readonly string[];
  /** Payloads of the pings that arrived. */
  pings(): readonly string[];
  /** Whether connections from now on ask for history; off at the start. */
  askHistory(on: boolean): void;
  asksHistory(): boolean;
  /** Whether pings are answered; on at the start. */
  autoPong(on: boolean): void;
  /** Answers a ping, or sends a pong nobody asked for. */
  pong(payload: string): void;
  /** One way, for what is sent from now on; at least 1 ms, the start value. */
  delay(ms: number): void;
  /** While it stalls nothing that the device sends gets through, and its `bufferedBytes` grow; nor what it is sent, if both ways do. */
  stall(stalled: Stalled): void;
  /** Ends the connection. Without a code: the network is gone (1006), and what was under way with it. */
  cut(code?: number, reason?: string): void;
  /** The device's process died: the connection is gone and none of its handlers is called any more. */
  abandon(): void;
  /** What the device's credential files are from now on. */
  files(credentials: Partial<Credentials>): void;
}

export interface FakeLinkOptions {
  /** Called as each message arrives at the center: a scripted center answers from here through `center.deliver`. */
  readonly received?: (text: string, center: FakeCenter) => void;
  /** Takes what a handler of the device threw; without it that is an unhandled rejection, as a bug should be. */
  readonly handlerThrew?: (error: unknown) => void;
}

interface CenterState {
  answer: DialAnswer;
  dials: number;
  autoPong: boolean;
  asksHistory: boolean;
  delay: number;
  stalled: Stalled;
  readonly received: string[];
  taken: number;
  readonly pings: string[];
  /** The newest connection; older ones may stand beside it. */
  session: Session | null;
  readonly sessions: Set<Session>;
  credentials: Credentials;
}

interface Session {
  readonly toDevice: Pipe;
  readonly toCenter: Pipe;
  readonly end: (code: number, reason: string) => void;
  readonly abandon: () => void;
}

/** A link in memory, on the clock's time: what is sent arrives in order, one delay later. */
export function fakeLink(clock: Clock, options: FakeLinkOptions = {}): FakeLink {
  const state: CenterState = {
    answer: "open",
    dials: 0,
    autoPong: true,
    asksHistory: false,
    delay: 1,
    stalled: "no",
    received: [],
    taken: 0,
    pings: [],
    session: null,
    sessions: new Set(),
    credentials: { version: "1", problem: null, certificates: [] },
  };
  const center = centerEnd(state);
  const link: Link = {
    async dial(handlers, signal): Promise<DialResult> {
      state.dials += 1;
      const answer = state.answer;
      if (answer === "hang") await aborted(signal);
      else await clock.sleep(state.delay, signal);
      if (signal.aborted || answer === "hang") {
        return { ok: false, error: { code: "aborted", message: "The dial was canceled" } };
      }
      if (answer !== "open") return { ok: false, error: answer };
      const arrived = (text: string) => {
        state.received.push(text);
        options.received?.(text, center);
      };
      return { ok: true, connection: openSession(clock, state, guarded(handlers, options.handlerThrew), arrived) };
    },
    credentials: () => state.credentials,
  };
  return { link, center };
}

function centerEnd(state: CenterState): FakeCenter {
  return {
    answerDials(answer) {
      state.answer = answer;
    },
    dials: () => state.dials,
    connected: () => state.session !== null,
    deliver: (text) => state.session?.toDevice.push({ kind: "message", text }) ?? false,
    received: () => state.received,
    take() {
      const fresh = state.received.slice(state.taken);
      state.taken = state.received.length;
      return fresh;
    },
    pings: () => state.pings,
    askHistory(on) {
      state.asksHistory = on;
    },
    asksHistory: () => state.asksHistory,
    autoPong(on) {
      state.autoPong = on;
    },
    pong(payload) {
      state.session?.toDevice.push({ kind: "pong", text: payload });
    },
    delay(ms) {
      state.delay = Math.max(1, ms);
    },
    stall(stalled) {
      state.stalled = stalled;
      if (state.session !== null) holdLine(state.session, state.stalled);
    },
    cut(code, reason = "") {
      if (code === undefined) state.session?.end(1006, "");
      else state.session?.toDevice.push({ kind: "close", text: reason, code });
    },
    abandon() {
      for (const session of state.sessions) session.abandon();
    },
    files(credentials) {
      state.credentials = { ...state.credentials, ...credentials };
    },
  };
}

function holdLine({ toCenter, toDevice }: Session, stalled: Stalled): void {
  toCenter.hold(stalled !== "no", "line");
  toDevice.hold(stalled === "bothWays", "line");
}

function openSession(
  clock: Clock,
  state: CenterState,
  handlers: LinkHandlers,
  arrived: (text: string) => void,
): Connection {
  let closing = false;
  const ended = new AbortController();
  const delay = () => state.delay;
  const toDevice = pipe(clock, delay, (item) => {
    if (item.kind === "close") end(item.code, item.text);
    else if (closing) return;
    else if (item.kind === "message") handlers.message(item.text);
    else handlers.pong(item.text);
  });
  const toCenter = pipe(clock, delay, (item) => {
    if (item.kind === "message") arrived(item.text);
    else if (item.kind === "close") toDevice.push(item);
    else {
      state.pings.push(item.text);
      if (state.autoPong) toDevice.push({ kind: "pong", text: item.text });
    }
  });
  const session: Session = { toDevice, toCenter, end, abandon };
  holdLine(session, state.stalled);
  state.session = session;
  state.sessions.add(session);

  function abandon(): void {
    state.sessions.delete(session);
    if (state.session === session) state.session = null;
    closing = true;
    ended.abort("over");
    toDevice.stop();
    toCenter.stop();
  }

  function end(code: number, reason: string): void {
    if (!state.sessions.has(session)) return;
    abandon();
    handlers.closed({ code, reason });
  }

  return {
    asksHistory: state.asksHistory,
    send: (text) => !closing && toCenter.push({ kind: "message", text }),
    ping(payload) {
      if (!closing) toCenter.push({ kind: "ping", text: payload });
    },
    bufferedBytes: () => toCenter.bytes(),
    movedBytes: () => ({ left: toCenter.moved(), read: toDevice.moved() }),
    pause: () => toDevice.hold(true, "reader"),
    resume: () => toDevice.hold(false, "reader"),
    close(code, reason) {
      if (closing) return;
      closing = true;
      toDevice.hold(false, "reader");
      toCenter.push({ kind: "close", text: reason, code });
      // A peer that does not answer is not waited for.
      void clock.sleep(1_000, ended.signal).then(() => end(1006, ""));
    },
  };
}

type Item =
  | { readonly kind: "message" | "ping" | "pong"; readonly text: string }
  | { readonly kind: "close"; readonly text: string; readonly code: number };

/** One direction. */
interface Pipe {
  push(item: Item): boolean;
  /** While held by anybody nothing comes out; it comes in order afterwards. */
  hold(on: boolean, by: "line" | "reader"): void;
  /** What waits because it is held: on its way is not waiting. */
  bytes(): number;
  /** What has come out of it so far. */
  moved(): number;
  stop(): void;
}

function pipe(clock: Clock, delay: () => number, deliver: (item: Item) => void): Pipe {
  const queue: { readonly item: Item; readonly due: number; readonly bytes: number }[] = [];
  const stopped = new AbortController();
  const heldBy = new Set<"line" | "reader">();
  let pumping = false;
  let moved = 0;
  let waiting = 0;

  async function pump(): Promise<void> {
    if (pumping) return;
    pumping = true;
    while (!stopped.signal.aborted && heldBy.size === 0) {
      const next = queue[0];
      if (next === undefined) break;
      const wait = next.due - clock.mono();
      if (wait > 0) {
        await clock.sleep(wait, stopped.signal);
        continue;
      }
      queue.shift();
      moved += next.bytes;
      waiting -= next.bytes;
      deliver(next.item);
    }
    pumping = false;
  }

  return {
    push(item) {
      if (stopped.signal.aborted) return false;
      const bytes = Buffer.byteLength(item.text);
      queue.push({ item, due: clock.mono() + delay(), bytes });
      waiting += bytes;
      void pump();
      return true;
    },
    hold(on, by) {
      if (on) heldBy.add(by);
      else heldBy.delete(by);
      // Not from inside this call: the caller may be in the middle of handling a message.
      if (!on) queueMicrotask(() => void pump());
    },
    bytes: () => (heldBy.size > 0 ? waiting : 0),
    moved: () => moved,
    stop() {
      stopped.abort("over");
      queue.length = 0;
      waiting = 0;
    },
  };
}

function guarded(handlers: LinkHandlers, threw: ((error: unknown) => void) | undefined): LinkHandlers {
  if (threw === undefined) return handlers;
  const caught =
    <T>(handler: (value: T) => void) =>
    (value: T) => {
      try {
        handler(value);
      } catch (error) {
        threw(error);
      }
    };
  return { message: caught(handlers.message), pong: caught(handlers.pong), closed: caught(handlers.closed) };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
