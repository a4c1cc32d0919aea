import type { Certificate } from "../core/protocol/certificate.ts";
import type { LinkError } from "../core/protocol/link-error.ts";

/** Connections to the center. When to dial, and which of two is the one that counts, is the agent's business. */
export interface Link {
  /**
   * Opens a connection. Resolves when it is open or has failed; `signal` gives up on dialling, not on what was opened.
   * Handlers are called only after the promise has resolved with a connection, in the order things arrived.
   */
  dial(handlers: LinkHandlers, signal: AbortSignal): Promise<DialResult>;
  /** The files that a dial would use now, read anew. */
  credentials(): Credentials;
}

/** What a device shows to the center, and whom it believes. */
export interface Credentials {
  /** A name for the contents of all of them: it changes when any of them does. */
  readonly version: string;
  /** Why they cannot be used. */
  readonly problem: string | null;
  readonly certificates: readonly Certificate[];
}

export type DialResult =
  | { readonly ok: true; readonly connection: Connection }
  | { readonly ok: false; readonly error: LinkError };

export interface LinkHandlers {
  /** One text message, already held to the size limit (1 MiB; beyond it the connection closes with 1009). */
  message(text: string): void;
  /** Payload of a pong: what the ping it answers carried. */
  pong(payload: string): void;
  /** The connection is gone, once, whoever ended it. Nothing is called after it. */
  closed(why: { readonly code: number; readonly reason: string }): void;
}

export interface Connection {
  /** The center asked for history as it took the connection (protocol.md §1.4). */
  readonly asksHistory: boolean;
  /** Queues one text message; false when the connection is no longer open. */
  send(text: string): boolean;
  /** Queues a ping; its payload comes back in a pong. */
  ping(payload: string): void;
  /** Bytes that `send` took and the socket has not. */
  bufferedBytes(): number;
  /** Bytes that the socket has taken so far, a message at a time, and that came from it, half messages too. */
  movedBytes(): { readonly left: number; readonly read: number };
  /** Stops and takes up reading: back-pressure toward the center. */
  pause(): void;
  resume(): void;
  /** Ends the connection; `closed` follows within a second or two even if the peer never answers. */
  close(code: number, reason: string): void;
}
