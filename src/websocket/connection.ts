import type { Socket } from "node:net";
import type WebSocket from "ws";
import type { Connection, LinkHandlers } from "../ports/link.ts";
import { breakReason } from "./errors.ts";

type Arrived = { readonly kind: "message" | "pong"; readonly text: string };

/** What the frames of WebSocket have room for. */
const maxPingBytes = 125;
const maxReasonBytes = 123;

/** An open WebSocket as a connection of the port; `stream` is what it runs on. */
export function openConnection(
  socket: WebSocket,
  handlers: LinkHandlers,
  { asksHistory, stream }: Pick<Connection, "asksHistory"> & { readonly stream: Socket | null },
): Connection {
  /** Came in a chunk that was already read when reading was paused; never more than that chunk. */
  const waiting: Arrived[] = [];
  let queued = 0;
  let paused = true;
  let closing = false;
  let broken: { readonly code: number; readonly reason: string } | null = null;

  function hand(arrived: Arrived): void {
    if (closing) return;
    if (arrived.kind === "message") handlers.message(arrived.text);
    else handlers.pong(arrived.text);
  }

  function arrive(arrived: Arrived): void {
    if (paused || waiting.length > 0) waiting.push(arrived);
    else hand(arrived);
  }

  function close(code: number, reason: string): void {
    if (closing) return;
    closing = true;
    waiting.length = 0;
    socket.close(code, firstBytes(reason, maxReasonBytes));
    // The answer to the close has to be read.
    socket.resume();
  }

  function resume(): void {
    paused = false;
    while (!paused && !closing) {
      const next = waiting.shift();
      if (next === undefined) break;
      hand(next);
    }
    if (!paused) socket.resume();
  }

  socket.on("message", (data, isBinary) => {
    if (!isBinary) return arrive({ kind: "message", text: String(data) });
    broken ??= { code: 1003, reason: "The center sent a binary message" };
    close(1003, "Only text messages are understood");
  });
  socket.on("pong", (data) => arrive({ kind: "pong", text: String(data) }));
  socket.on("error", (error) => {
    broken ??= breakReason(error);
  });
  socket.on("close", (code, reason) => {
    for (const arrived of waiting.splice(0)) hand(arrived);
    closing = true;
    handlers.closed(broken ?? { code, reason: String(reason) });
  });
  // What came with the answer to the upgrade waits until the dialler has got its connection.
  socket.pause();
  let held = false;
  setImmediate(() => {
    if (!held) resume();
  });

  return {
    asksHistory,
    send(text) {
      if (closing || socket.readyState !== socket.OPEN) return false;
      socket.send(text);
      queued += Buffer.byteLength(text);
      return true;
    },
    ping(payload) {
      if (!closing && socket.readyState === socket.OPEN) socket.ping(firstBytes(payload, maxPingBytes));
    },
    bufferedBytes: () => socket.bufferedAmount,
    movedBytes: () => ({ left: Math.max(0, queued - socket.bufferedAmount), read: stream?.bytesRead ?? 0 }),
    pause() {
      held = true;
      paused = true;
      socket.pause();
    },
    resume() {
      held = false;
      // Not from inside this call: the caller may be in the middle of handling a message.
      setImmediate(() => {
        if (!held) resume();
      });
    },
    close,
  };
}

/** Cuts a text to so many bytes, never inside a character. */
function firstBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}
