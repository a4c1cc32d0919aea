import type { LinkError } from "./link-error.ts";

/** What every state carries on. */
interface LinkProgress {
  /** Dials in a row that brought no lasting connection. */
  readonly failures: number;
  /** Why there is no connection, or what is wrong with one that stands. */
  readonly lastError: string | null;
  /** The credential files as they were last seen: a name for their contents. */
  readonly files: string;
  /** The same, at the last dial. */
  readonly dialled: string;
  /** This center has answered a ping, now or on an earlier connection: its silence means that it is gone. */
  readonly answers: boolean;
}

export interface Waiting extends LinkProgress {
  readonly kind: "waiting";
  readonly until: number;
}

export interface Dialing extends LinkProgress {
  readonly kind: "dialing";
  readonly until: number;
}

/** What is known of a connection that stands. */
export interface Connected extends LinkProgress {
  readonly since: number;
  /** When the peer was last heard, moved on by all the time in which it could not be. */
  readonly heardAt: number;
  readonly pausedAt: number | null;
  /** Bytes that had left for the network and come from it, and when the last of ours left or nothing waited. */
  readonly left: number;
  readonly read: number;
  readonly leftAt: number;
  /** Changed files are not tried before. */
  readonly renewAt: number;
}

export interface Open extends Connected {
  readonly kind: "open";
}

/** The connection stands, and another one is dialled with files that have changed. */
export interface Renewing extends Connected {
  readonly kind: "renewing";
  readonly until: number;
  /** The files that were dialled with. */
  readonly trying: string;
}

export interface Closing extends LinkProgress {
  readonly kind: "closing";
  readonly until: number;
  readonly stopping: boolean;
}

export interface Stopped {
  readonly kind: "stopped";
}

/** The connection to the center. All times are monotonic milliseconds. */
export type UplinkState = Waiting | Dialing | Open | Renewing | Closing | Stopped;

/** What the connection's socket has done so far. */
export interface Traffic {
  /** Bytes that were sent and have not left yet. */
  readonly buffered: number;
  readonly left: number;
  readonly read: number;
}

export type UplinkEvent =
  | { readonly kind: "tick"; readonly traffic: Traffic }
  | { readonly kind: "opened" }
  | { readonly kind: "failed"; readonly error: LinkError }
  | { readonly kind: "message" }
  | { readonly kind: "pong" }
  /** Reading was paused because too much waits for its commit, or taken up again. */
  | { readonly kind: "paused" }
  | { readonly kind: "resumed" }
  | { readonly kind: "closed"; readonly code: number; readonly reason: string }
  /** The credential files as they are now; with a problem they are not to be dialled with. */
  | { readonly kind: "files"; readonly version: string; readonly problem: string | null }
  | { readonly kind: "stop" };

export type UplinkOrder =
  | { readonly do: "dial" }
  | { readonly do: "giveUpDial" }
  /** The connection that was dialled is the one from now on. */
  | { readonly do: "adopt" }
  /** The connection that was dialled came too late. */
  | { readonly do: "discard" }
  /** Ends the connection; its end is waited for. */
  | { readonly do: "close"; readonly code: number; readonly reason: string }
  /** Ends the connection; nobody listens to it any more. */
  | { readonly do: "retire"; readonly code: number; readonly reason: string };
