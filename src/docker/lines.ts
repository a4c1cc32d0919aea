import type { Readable } from "node:stream";
import { parsedAnswer } from "./answer.ts";
import { textCutter } from "./cut-texts.ts";

/** Of a text in a line. Labels of ours are shorter, and an event has every label of its container. */
const longestText = 16 * 1024;
/** A line that is longer all the same is left out: it is no word of ours. */
const longestLine = 1024 * 1024;
/** Who says more without the end of a line is no engine. */
const longestWait = 64 * 1024 * 1024;

/**
 * The JSON values of a stream of lines, as pulls and events come, one at a time so that a slow reader holds the engine back
 * instead of the memory filling up. A line that is too long is left out: one event of one container is lost, which the next
 * list makes up for. Ends when the stream does; throws when it breaks, or when a line is no JSON.
 */
export async function* jsonLines(stream: Readable): AsyncGenerator<unknown, void, undefined> {
  stream.setEncoding("utf8");
  const cut = textCutter(longestText);
  let rest = "";
  let isTooLong = false;
  let waited = 0;
  for await (const chunk of stream) {
    const [first = "", ...more] = cut(String(chunk)).split("\n");
    rest += first;
    waited = more.length > 0 ? 0 : waited + String(chunk).length;
    if (waited > longestWait) throw new RangeError(`A line of the engine's answer is over ${longestWait} characters`);
    for (const next of more) {
      if (!isTooLong && rest.trim() !== "") yield parsedAnswer(rest);
      isTooLong = false;
      rest = next;
    }
    isTooLong ||= rest.length > longestLine;
    if (isTooLong) rest = "";
  }
  if (!isTooLong && rest.trim() !== "") yield parsedAnswer(rest);
}

/** Whether a value that dockerode gave is the stream it should be. */
export function isReadable(value: unknown): value is Readable {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value && "setEncoding" in value;
}
