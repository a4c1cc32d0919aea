import type { Connected, Traffic } from "./uplink-state.ts";

/** Something of what waits must have left by then: a peer that reads a byte a second holds our memory for no longer. */
export const writeDeadlineMs = 120_000;
const slackMs = 1_000;

type Sign = "message" | "pong" | "paused" | "resumed";

/** Anything from the peer shows that it lives. While reading is paused nothing can come, and its deadline stands still. */
export function heard(state: Connected, sign: Sign, now: number): Partial<Connected> {
  switch (sign) {
    case "pong":
      return { heardAt: now, answers: true };
    case "message":
      return { heardAt: now };
    case "paused":
      return { pausedAt: state.pausedAt ?? now };
    case "resumed":
      return { pausedAt: null, heardAt: state.heardAt + now - (state.pausedAt ?? now) };
    default:
      return sign satisfies never;
  }
}

/** Pings stand in line behind what has not left, and pongs behind a message that is coming in. */
export function trafficSeen(state: Connected, { buffered, left, read }: Traffic, now: number): Partial<Connected> {
  const isMoving = buffered === 0 || left > state.left;
  const isHeard = buffered > 0 || read > state.read;
  return { left, read, ...(isMoving && { leftAt: now }), ...(isHeard && { heardAt: now }) };
}

function pongDueAt(state: Connected, keepaliveMs: number): number {
  const counts = state.answers && state.pausedAt === null;
  return counts ? state.heardAt + 2 * keepaliveMs + slackMs : Number.POSITIVE_INFINITY;
}

/** When a connection that stands needs a look at the latest. */
export function connectedDueAt(state: Connected, keepaliveMs: number): number {
  const renewAt = state.renewAt > 0 ? state.renewAt : Number.POSITIVE_INFINITY;
  return Math.min(pongDueAt(state, keepaliveMs), state.leftAt + writeDeadlineMs, renewAt);
}

/** Why a connection that stands is to be given up; null while it lives. */
export function deadBecause(
  state: Connected,
  { now, keepaliveMs }: { readonly now: number; readonly keepaliveMs: number },
): string | null {
  if (now >= state.leftAt + writeDeadlineMs) return `The center took nothing for ${writeDeadlineMs / 1000} s`;
  return now >= pongDueAt(state, keepaliveMs) ? "No pong within two keepalive periods" : null;
}
