/** One connection to the centre at a time. When to dial again is the agent's business. */
export interface Link {
  /**
   * Opens a connection. Resolves when it is open or has failed; `signal` gives up on dialling, not on what was opened.
   * Handlers are called only after the promise has resolved with a connection, in the order things arrived.
   */
  dial(handlers: LinkHandlers, signal: AbortSignal): Promise<DialResult>;
}

export type DialResult =
  | { readonly ok: true; readonly connection: Connection }
  | { readonly ok: false; readonly error: LinkError };

export interface LinkError {
  readonly code: "refused" | "unreachable" | "timeout" | "tls" | "credentials" | "protocol" | "aborted";
  readonly message: string;
  /** Seconds the centre asked us to wait (Retry-After), where it did. */
  readonly retryAfterSeconds?: number;
}

export interface LinkHandlers {
  /** One text message, already held to the size limit (1 MiB; beyond it the connection closes with 1009). */
  message(text: string): void;
  /** Payload of a pong: what the ping it answers carried. */
  pong(payload: string): void;
  /** The connection is gone, once, whoever ended it. Nothing is called after it. */
  closed(why: { readonly code: number; readonly reason: string }): void;
}

export interface Connection {
  /** The centre asked for history as it took the connection (docs/protocol.md, History). */
  readonly asksHistory: boolean;
  /** Queues one text message; false when the connection is no longer open. */
  send(text: string): boolean;
  /** Queues a ping; its payload comes back in a pong. */
  ping(payload: string): void;
  /** Bytes that `send` took and the socket has not. */
  bufferedBytes(): number;
  /** Stops and takes up reading: back-pressure toward the centre. */
  pause(): void;
  resume(): void;
  /** Ends the connection; `closed` follows within a second or two even if the peer never answers. */
  close(code: number, reason: string): void;
}
