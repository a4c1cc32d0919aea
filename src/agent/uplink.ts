import { reconnectDelayMs } from "../core/protocol/reconnect.ts";
import type { Clock } from "../ports/clock.ts";
import type { Connection, Link } from "../ports/link.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import { withDeadline } from "./deadline.ts";
import type { Intake } from "./intake.ts";
import type { Reporter } from "./reporter.ts";

export interface UplinkParts {
  readonly link: Link;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly intake: Intake;
  readonly reporter: Reporter;
  /** The state of the link has changed: it shows in `edge status`. */
  readonly changed: (state: LinkState) => void;
}

export interface LinkState {
  readonly state: "online" | "connecting" | "offline";
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly lastError: string | null;
}

const dialDeadlineMs = 20_000;
/** A connection that lasted this long was a good one: after it the first try comes at once again. */
const lastingMs = 10_000;

/** Keeps a connection to the centre whenever there is a centre. Offline is a normal state: nothing waits for this. */
export async function runUplink(parts: UplinkParts, signal: AbortSignal): Promise<void> {
  const { clock, random, log } = parts;
  let failures = 0;
  let state: LinkState = { state: "connecting", since: clock.wall(), lastError: null };
  // Trying again is no change of state: offline is since when the link was lost, and stays so until it stands again.
  const tell = (next: LinkState["state"], lastError: string | null): void => {
    state = { state: next, since: next === state.state ? state.since : clock.wall(), lastError };
    parts.changed(state);
  };
  tell("connecting", null);
  while (!signal.aborted) {
    const began = clock.mono();
    const ended = await connectOnce(parts, () => tell("online", null), signal);
    if (signal.aborted) return;
    failures = ended.opened && clock.mono() - began >= lastingMs ? 1 : failures + 1;
    tell("offline", ended.why);
    const waitMs = reconnectDelayMs(failures, random.next(), ended.retryAfterSeconds);
    log.write("info", "Link down", { why: ended.why, retryInMs: waitMs });
    await clock.sleep(waitMs, signal);
  }
}

interface Ended {
  readonly opened: boolean;
  readonly why: string;
  readonly retryAfterSeconds?: number;
}

async function connectOnce(parts: UplinkParts, opened: () => void, signal: AbortSignal): Promise<Ended> {
  const { clock, intake, reporter } = parts;
  const closed = Promise.withResolvers<Ended>();
  let connection: Connection | null = null;
  let draining: Promise<void> | null = null;

  // Messages that are read in one turn of the loop share one commit.
  const drain = async (): Promise<void> => {
    await clock.sleep(0);
    draining = null;
    intake.flush();
    connection?.resume();
  };

  const result = await withDeadline(clock, dialDeadlineMs, signal, (deadline) =>
    parts.link.dial(
      {
        message(text) {
          intake.receive(text);
          if (intake.full()) connection?.pause();
          if (draining !== null) return;
          draining = drain();
          draining.catch(closed.reject);
        },
        pong: (payload) => reporter.pong(payload),
        closed: ({ code, reason }) =>
          closed.resolve({ opened: true, why: `Closed with code ${code}${reason === "" ? "" : `: ${reason}`}` }),
      },
      deadline,
    ),
  );
  if (!result.ok) {
    const { message, retryAfterSeconds } = result.error;
    return { opened: false, why: message, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  }
  connection = result.connection;
  const goodbye = (): void => connection?.close(1001, "The agent stops");
  signal.addEventListener("abort", goodbye, { once: true });
  if (signal.aborted) goodbye();
  opened();
  reporter.attach(connection);
  try {
    return await closed.promise;
  } finally {
    signal.removeEventListener("abort", goodbye);
    reporter.detach();
    if (draining !== null) await draining;
  }
}
