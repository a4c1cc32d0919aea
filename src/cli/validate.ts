/** How `edge validate` is asked (contracts.md). */
export interface ValidateOptions {
  /** File with the facts that replace the device's own. */
  readonly node?: string;
  readonly json: boolean;
  /** Configuration file whose policy judges; the default policy when absent. */
  readonly config?: string;
  /** Id of a rule to explain instead of judging a file. */
  readonly explain?: string;
}

/** Where a command prints, one line at a time. */
export interface Output {
  out(line: string): void;
  err(line: string): void;
}

/** `edge validate FILE...`: would this device accept it? Gives the exit code. */
export async function validateCommand(
  _files: readonly string[],
  _options: ValidateOptions,
  io: Output,
): Promise<number> {
  io.err("edge validate is not there yet");
  return 2;
}
