import type { Command } from "commander";
import { bashCompletion } from "./completion-bash.ts";
import { fishCompletion } from "./completion-fish.ts";
import { completedCommands } from "./completion-model.ts";
import { zshCompletion } from "./completion-zsh.ts";
import { exitCodes, type Output } from "./output.ts";

export type Shell = "bash" | "zsh" | "fish";

/** `edge completion SHELL`. */
export function completionCommand(shell: string, program: Command, io: Output): number {
  if (shell !== "bash" && shell !== "zsh" && shell !== "fish") {
    io.err(`edge completion takes bash, zsh or fish: current value is ${shell}`);
    return exitCodes.usage;
  }
  io.out(completionScript(shell, program).trimEnd());
  return exitCodes.fine;
}

/** The script that completes `edge` in a shell: commands, options and their values, and the names of the pods that are here. */
export function completionScript(shell: Shell, program: Command): string {
  const commands = completedCommands(program);
  switch (shell) {
    case "bash":
      return bashCompletion(commands);
    case "zsh":
      return zshCompletion(commands);
    case "fish":
      return fishCompletion(commands);
  }
}
