/** Longer words are not compared: nobody mistypes those by a letter or two. */
const longestWord = 64;

/** The candidate that a mistyped word most likely meant, at most two letters away; null where none is that close. */
export function closest(word: string, candidates: readonly string[]): string | null {
  if (word.length > longestWord) return null;
  const most = Math.min(2, Math.floor(word.length / 2));
  let best: string | null = null;
  let least = most + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > most) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** A key or a field that nothing knows, with the one that was meant as it is to be written; null if none is close. */
export function unknownName(what: "key" | "field" | "resource", path: string, meant: string | null): string {
  return `unknown ${what} "${path}"${meant === null ? "" : `; did you mean "${meant}"?`}`;
}

/** Levenshtein's distance: letters put in, left out or exchanged. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const exchange = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(exchange, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
