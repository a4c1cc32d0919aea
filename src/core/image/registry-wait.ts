/** What Go writes of a duration, "1m30s", and a bare number of seconds, as Retry-After has it. */
const told = /\bretry-after: ?(?:(\d{1,4})h)?(?:(\d{1,5})m(?![a-z]))?(?:(\d{1,6})(?:\.\d{1,9})?(?:s\b|(?![\w.µμ])))?/i;
const longestJudged = 4_096;

/** A registry that counts requests does so over hours: a minute at first, doubled, at most half an hour. */
const firstWaitMs = 60_000;
const mostWaitMs = 1_800_000;
/** A registry that asks for more gets this: it must not hold up a pod for good. */
const mostToldMs = 3_600_000;

/**
 * How long a registry that was asked too often (HTTP 429) is left alone. Dockerd does not hand on Retry-After, so only what
 * the registry's own words say of it is known.
 * @param words the engine's, with the registry's among them
 * @param count how many pulls in a row have failed, this one included
 * @returns milliseconds
 */
export function registryWaitMs(words: string, count: number): number {
  const [, hours = "0", minutes = "0", seconds = "0"] = told.exec(words.slice(0, longestJudged)) ?? [];
  const toldMs = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
  const ownMs = Math.min(firstWaitMs * 2 ** Math.min(Math.max(0, count - 1), 5), mostWaitMs);
  return Math.max(ownMs, Math.min(toldMs, mostToldMs));
}
