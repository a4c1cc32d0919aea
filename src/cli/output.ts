import { printableOutput } from "../core/base/printable.ts";

/** Where a command prints, one line at a time. */
export interface Output {
  out(line: string): void;
  err(line: string): void;
  /** Present if `out` prints on a terminal. */
  readonly terminal?: Terminal;
}

export interface Terminal {
  /** Height, in lines. */
  rows(): number;
  /** Width, in characters. */
  columns(): number;
  /** Empties the screen; the next line is its first. */
  clear(): void;
}

/** What a page for people fits where the terminal is not wider, or there is none. */
export const usualColumns = 80;

/** How wide a page for people is: as wide as the terminal, at least 80 columns; 80 for a pipe and a file. */
export function pageColumns({ terminal }: Output): number {
  // A terminal that does not know its size says 0, or nothing.
  return Math.max(usualColumns, terminal?.columns() || 0);
}

/** Exit codes: contracts.md, The `edge` command. */
export const exitCodes = { fine: 0, no: 1, usage: 2 } as const;

/** Whatever a command prints comes through here: nothing of it draws on the terminal by itself, or hides there. */
export function cleanOutput(output: Output): Output {
  return {
    out: (line) => output.out(printableOutput(line)),
    err: (line) => output.err(printableOutput(line)),
    ...(output.terminal === undefined ? {} : { terminal: output.terminal }),
  };
}
