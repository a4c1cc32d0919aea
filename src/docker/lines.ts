import type { Readable } from "node:stream";

/** A line longer than this is no answer of an engine. */
const longestLine = 1024 * 1024;

/**
 * The JSON values of a stream of lines, as pulls and events come, one at a time so that a slow reader holds the engine back
 * instead of the memory filling up. Ends when the stream does; throws when it breaks, or when a line is too long or no JSON.
 */
export async function* jsonLines(stream: Readable): AsyncGenerator<unknown, void, undefined> {
  stream.setEncoding("utf8");
  let rest = "";
  for await (const chunk of stream) {
    rest += String(chunk);
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
    if (rest.length > longestLine)
      throw new RangeError(`A line of the engine's answer is over ${longestLine} characters`);
  }
  if (rest.trim() !== "") yield JSON.parse(rest);
}

/** Whether a value that dockerode gave is the stream it should be. */
export function isReadable(value: unknown): value is Readable {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value && "setEncoding" in value;
}
