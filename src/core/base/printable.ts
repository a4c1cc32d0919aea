/**
 * What draws nothing of its own: controls (C0, DEL, C1, so every terminal escape), format characters (bidirectional
 * overrides, zero-width ones), other line and paragraph separators, what a font is to ignore, and code points without a
 * meaning.
 */
const hidden = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Line ends, tabs and the colours that a command sets itself: green, red, yellow, and their end. */
const ownMarks = new RegExp(`(\\n|\\t|${String.fromCharCode(27)}\\[(?:31|32|33|39)m)`);

/** One field that others wrote, for a person: whatever would draw on a terminal, or hide there, is shown as JSON writes it. */
export function printable(text: string): string {
  return text.replace(hidden, escaped);
}

/** Output of a command: as {@link printable}, but for its own line ends, tabs and colours. */
export function printableOutput(text: string): string {
  const parts = text.split(ownMarks);
  return parts.map((part, index) => (index % 2 === 1 ? part : printable(part))).join("");
}

/** Every text in a value as {@link printable}, names of properties left as they are. */
export function printableValue<T>(value: T): T {
  if (typeof value === "string") return printable(value) as T;
  if (Array.isArray(value)) return value.map(printableValue) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, printableValue(inner)])) as T;
}

function escaped(character: string): string {
  const short = JSON.stringify(character).slice(1, -1);
  if (short !== character) return short;
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
