/** Where a command prints, one line at a time. */
export interface Output {
  out(line: string): void;
  err(line: string): void;
}

/** Contracts.md, The `edge` command. */
export const exitCodes = { fine: 0, no: 1, usage: 2 } as const;

/** What others wrote must not draw on the terminal: everything but printable characters is shown as JSON would. */
export function printable(text: string): string {
  return text.replace(/[^\P{C}]/gu, (character) => JSON.stringify(character).slice(1, -1));
}
