/** Full jitter over a delay that doubles from 1 s to 60 s: a thousand devices come back spread out, not in steps. */
const firstMs = 1_000;
const capMs = 60_000;

/**
 * How long to wait before dialling again.
 * @param failures dials in a row that brought no lasting connection; the first try comes within a second
 * @param random a number in [0, 1)
 * @param retryAfterSeconds what the centre asked for, where it did; jitter comes on top, so that not all return at once
 * @returns milliseconds
 */
export function reconnectDelayMs(failures: number, random: number, retryAfterSeconds = 0): number {
  const spread = Math.min(firstMs * 2 ** Math.min(Math.max(0, failures - 1), 6), capMs);
  return Math.min(retryAfterSeconds, 3600) * 1000 + Math.floor(random * spread);
}
