import type { Argument, Command, Option } from "commander";

/** What may stand in the place of a value. */
export type Value =
  | { readonly kind: "pod" | "file" | "folder" | "anything" }
  | { readonly kind: "words"; readonly words: readonly string[] };

export interface CompletedOption {
  /** As `-f` and `--follow`. */
  readonly names: readonly string[];
  readonly meaning: string;
  /** Null if it takes none. */
  readonly value: Value | null;
}

/** A command as a shell completes it. */
export interface CompletedCommand {
  /** Words behind `edge`, joined by spaces; empty for the program itself. */
  readonly path: string;
  readonly meaning: string;
  /** Other last words of the path. */
  readonly aliases: readonly string[];
  readonly options: readonly CompletedOption[];
  /** The first argument; null if it takes none. */
  readonly argument: Value | null;
  readonly commands: readonly { readonly name: string; readonly meaning: string }[];
}

/** The program and every command of it that help shows, from the one description of them. */
export function completedCommands(program: Command): readonly CompletedCommand[] {
  return completed(program, "");
}

function completed(command: Command, path: string): readonly CompletedCommand[] {
  const help = command.createHelp();
  const listed = help.visibleCommands(command).filter((inner) => inner.name() !== "help");
  const [argument] = command.registeredArguments;
  return [
    {
      path,
      meaning: command.summary(),
      aliases: command.aliases(),
      options: help.visibleOptions(command).map(completedOption),
      argument: argument === undefined ? null : completedValue(argument, argument.name()),
      commands: listed.map((inner) => ({ name: inner.name(), meaning: inner.summary() })),
    },
    ...listed.flatMap((inner) => completed(inner, path === "" ? inner.name() : `${path} ${inner.name()}`)),
  ];
}

function completedOption(option: Option): CompletedOption {
  const names = [option.short, option.long].filter((name) => name != null);
  const placeholder = /[<[]([^<[\]>]*)/.exec(option.flags)?.[1];
  const value = placeholder === undefined ? null : completedValue(option, placeholder);
  return { names, meaning: option.description, value };
}

/** By what a placeholder is called: NAME is a pod, FILE a file, Ready|Deleted one of these words. */
function completedValue({ argChoices }: Option | Argument, placeholder: string): Value {
  const name = placeholder.replace("...", "");
  if (argChoices !== undefined) return { kind: "words", words: argChoices };
  if (name.includes("|")) return { kind: "words", words: name.split("|") };
  if (name === "NAME") return { kind: "pod" };
  if (name === "DIR") return { kind: "folder" };
  return { kind: ["FILE", "FACTS", "SOCKET"].includes(name) ? "file" : "anything" };
}
