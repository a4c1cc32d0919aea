import type { Command } from "commander";
import { type Example, examplesOf } from "./examples.ts";

/** A command as documents describe it. */
export interface CommandEntry {
  /** As `edge logs [options] <NAME>`. */
  readonly usage: string;
  /** As `edge logs`. */
  readonly name: string;
  readonly description: string;
  /** Option or argument, and what it is. */
  readonly terms: readonly { readonly term: string; readonly meaning: string }[];
  readonly examples: readonly Example[];
}

/** Every command that help shows, those below another one after it. */
export function commandEntries(program: Command): readonly CommandEntry[] {
  return listed(program).flatMap((command) => [
    entryOf(command, "edge "),
    ...listed(command).map((inner) => entryOf(inner, `edge ${command.name()} `)),
  ]);
}

/** The program itself, with the options of every command. */
export function programEntry(program: Command): CommandEntry {
  return entryOf(program, "");
}

function listed(command: Command): readonly Command[] {
  const visible = command.createHelp().visibleCommands(command);
  return command.commands.filter((inner) => visible.includes(inner));
}

function entryOf(command: Command, parents: string): CommandEntry {
  const name = `${parents}${command.name()}`;
  const help = command.createHelp();
  const terms = [
    ...help.visibleArguments(command).map((argument) => ({
      term: help.argumentTerm(argument),
      meaning: argument.description,
    })),
    ...command.options
      .filter(({ hidden }) => !hidden)
      .map((option) => ({ term: option.flags, meaning: help.optionDescription(option) })),
  ];
  return {
    usage: `${name} ${command.usage()}`.trim(),
    name,
    description: command.description(),
    terms,
    examples: examplesOf(name.replace(/^edge /, "")),
  };
}
