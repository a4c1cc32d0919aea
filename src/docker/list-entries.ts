/** One entry of a JSON list, as text; of one that is too long its beginning. */
export interface ListEntry {
  readonly text: string;
  readonly isWhole: boolean;
}

const sign = {
  quote: 0x22,
  comma: 0x2c,
  open: 0x5b,
  backslash: 0x5c,
  close: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const;

function placeOf(text: string, what: string, from: number): number {
  const place = text.indexOf(what, from);
  return place < 0 ? text.length : place;
}

/**
 * The entries of a JSON list that comes piece by piece, one at a time, so that a long list and a long entry cost no more
 * memory than one entry may have. Whether an entry is JSON is for the caller to see.
 * @param longest characters that are kept of an entry
 * @throws SyntaxError when what comes is no list, or ends in its middle
 */
export async function* listEntries(pieces: AsyncIterable<string>, longest: number): AsyncGenerator<ListEntry> {
  let isOpen = false;
  let isClosed = false;
  let depth = 0;
  let isText = false;
  let isEscape = false;
  let count = 0;
  let entry: ListEntry = { text: "", isWhole: true };

  for await (const piece of pieces) {
    let from = 0;
    let backslash = -1;
    const takeUntil = (to: number): void => {
      const room = longest - entry.text.length;
      entry = {
        text: entry.text + piece.slice(from, Math.min(to, from + room)),
        isWhole: entry.isWhole && to - from <= room,
      };
      from = to + 1;
    };
    for (let index = 0; index < piece.length; index += 1) {
      const code = piece.charCodeAt(index);
      if (isEscape) isEscape = false;
      else if (isText) {
        if (code === sign.backslash) isEscape = true;
        else if (code === sign.quote) isText = false;
        else {
          // Most of a list is plain text.
          if (backslash < index) backslash = placeOf(piece, "\\", index);
          index = Math.min(placeOf(piece, '"', index), backslash) - 1;
        }
      } else if (!isOpen || isClosed) {
        if (!isOpen && code === sign.open) {
          isOpen = true;
          from = index + 1;
        } else if (piece[index]?.trim() !== "") throw new SyntaxError("The engine's answer is no list");
      } else if (code === sign.quote) isText = true;
      else if (code === sign.open || code === sign.openObject) depth += 1;
      else if (depth > 0) {
        if (code === sign.close || code === sign.closeObject) depth -= 1;
      } else if (code === sign.comma || code === sign.close) {
        takeUntil(index);
        isClosed = code === sign.close;
        const isNone = isClosed && count === 0 && entry.text.trim() === "";
        count += 1;
        if (!isNone) yield entry;
        entry = { text: "", isWhole: true };
      }
    }
    if (isOpen && !isClosed) takeUntil(piece.length);
  }
  if (!isClosed) throw new SyntaxError("The engine's answer is no list, or ends in its middle");
}
