import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import type WebSocket from "ws";

/** How the development center treats those who connect, so that a device's answer to it can be tried. */
export type Behaviour =
  | { readonly how: "well" }
  /** Takes the connection and never answers the upgrade. */
  | { readonly how: "silent" }
  /** Reads one byte a second. */
  | { readonly how: "slow" }
  | { readonly how: "noPong" }
  /** Answers the upgrade with this status. */
  | { readonly how: "refuse"; readonly status: number; readonly retryAfterSeconds: number | null };

/** What it does once, to a connection that stands. */
export type Misdeed =
  /** Bytes that are no frames. */
  | { readonly how: "garbage" }
  | { readonly how: "close"; readonly code: number }
  /** The connection is reset. */
  | { readonly how: "drop" };

const garbageBytes = 256;

/** Lets the socket have one byte a second, from now on until it closes. */
export function readSlowly(socket: WebSocket, stream: Duplex): void {
  socket.pause();
  const bytes = setInterval(() => {
    // In paused mode a read of one byte is handed to the WebSocket, and the rest stays where it is.
    if (stream.destroyed) clearInterval(bytes);
    else stream.read(1);
  }, 1_000);
}

/** The answer to an upgrade that is not granted. */
export function refusal(status: number, retryAfterSeconds: number | null): string {
  const retryAfter = retryAfterSeconds === null ? "" : `Retry-After: ${retryAfterSeconds}\r\n`;
  return `HTTP/1.1 ${status} Refused\r\n${retryAfter}Content-Length: 0\r\nConnection: close\r\n\r\n`;
}

export function misbehave(socket: WebSocket, stream: Duplex, misdeed: Misdeed): void {
  switch (misdeed.how) {
    case "garbage":
      // All reserved bits set: random bytes alone may begin a long frame that is waited for.
      stream.write(Buffer.concat([Buffer.from([0xff]), randomBytes(garbageBytes)]));
      return;
    case "close":
      socket.close(misdeed.code, "Asked to");
      return;
    case "drop":
      if ("resetAndDestroy" in stream && typeof stream.resetAndDestroy === "function") stream.resetAndDestroy();
      else stream.destroy();
      return;
    default:
      misdeed satisfies never;
  }
}
