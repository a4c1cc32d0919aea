/** Where a command prints, one line at a time. */
export interface Output {
  out(line: string): void;
  err(line: string): void;
}

/** Contracts.md, The `edge` command. */
export const exitCodes = { fine: 0, no: 1, usage: 2 } as const;
