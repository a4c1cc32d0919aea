import { printableOutput } from "../core/base/printable.ts";

/** Where a command prints, one line at a time. */
export interface Output {
  out(line: string): void;
  err(line: string): void;
}

/** Exit codes: contracts.md, The `edge` command. */
export const exitCodes = { fine: 0, no: 1, usage: 2 } as const;

/** Whatever a command prints comes through here: nothing of it draws on the terminal by itself, or hides there. */
export function cleanOutput(output: Output): Output {
  return {
    out: (line) => output.out(printableOutput(line)),
    err: (line) => output.err(printableOutput(line)),
  };
}
