// The commands in docs/cli.md, between two markers, and the manual page docs/edge.1: both from the program's own description.
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { edgeCommand } from "../src/cli/program.ts";

export const cliFile = "docs/cli.md";
export const manualFile = "docs/edge.1";
const start = "<!-- commands: written by npm run docs -->";
const end = "<!-- end of commands -->";

interface Entry {
  /** As `edge logs [options] <NAME>`. */
  readonly usage: string;
  readonly name: string;
  readonly description: string;
  /** Option or argument, and what it is. */
  readonly terms: readonly { readonly term: string; readonly meaning: string }[];
}

const silent = { out: () => undefined, err: () => undefined };

function program(): Command {
  return edgeCommand(silent, () => undefined);
}

function entryOf(command: Command, parents: string): Entry {
  const name = `${parents}${command.name()}`;
  const help = command.createHelp();
  const terms = [
    ...help.visibleArguments(command).map((argument) => ({
      term: help.argumentTerm(argument),
      meaning: argument.description,
    })),
    ...command.options.map((option) => ({ term: option.flags, meaning: help.optionDescription(option) })),
  ];
  return {
    usage: `${parents}${command.name()} ${command.usage()}`.trim(),
    name,
    description: command.description(),
    terms,
  };
}

/** Every command, those of `edge config` after it. */
function entries(): readonly Entry[] {
  const all = program();
  const listed = all.commands.filter((command) => all.createHelp().visibleCommands(all).includes(command));
  return listed.flatMap((command) => [
    entryOf(command, "edge "),
    ...command.commands.map((inner) => entryOf(inner, `edge ${command.name()} `)),
  ]);
}

/** The text with all commands between its markers; throws if they are missing. */
export function withCommands(text: string): string {
  const [before, rest] = [text.indexOf(start), text.indexOf(end)];
  if (before < 0 || rest < before) throw new Error(`No ${start} … ${end} to write between`);
  return `${text.slice(0, before + start.length)}\n\n${sections()}\n\n${text.slice(rest)}`;
}

function sections(): string {
  const all = entryOf(program(), "");
  const options = ["## Options of every command", "", ...all.terms.map(markdownTerm)].join("\n");
  return [...entries().map(section), options].join("\n\n");
}

function section({ name, usage, description, terms }: Entry): string {
  const list = terms.length === 0 ? [] : ["", ...terms.map(markdownTerm)];
  return [`## ${name}`, "", "```", usage, "```", "", description, ...list].join("\n");
}

function markdownTerm({ term, meaning }: { readonly term: string; readonly meaning: string }): string {
  return `- \`${term}\`: ${meaning}`;
}

/** The manual page, as man(7) has it. */
export function manualPage(): string {
  const all = entryOf(program(), "");
  const commands = entries().flatMap(({ usage, description, terms }) => [
    `.SS ${roff(usage)}`,
    roff(description),
    ...terms.flatMap(roffTerm),
  ]);
  return [
    '.TH EDGE 1 "" "edge-runtime" "User Commands"',
    ".SH NAME",
    "edge \\- run pods of a central node on this device",
    ".SH SYNOPSIS",
    ".B edge",
    "[\\-\\-config FILE] [\\-\\-json] COMMAND [ARGUMENT...]",
    ".SH DESCRIPTION",
    roff(all.description),
    ".SH OPTIONS",
    ...all.terms.flatMap(roffTerm),
    ".SH COMMANDS",
    ...commands,
    ".SH EXIT STATUS",
    ".TP",
    "0",
    "fine",
    ".TP",
    "1",
    "the answer is no: a pod would be refused, the agent does not run, a check failed",
    ".TP",
    "2",
    "wrong usage or configuration",
    ".SH FILES",
    ".TP",
    "/etc/edge/edge.config.json",
    "the configuration",
    ".TP",
    "/var/lib/edge",
    "the store; data.dir of the configuration",
    ".TP",
    "/run/edge",
    "status and lock of the running agent; data.runDir of the configuration",
    "",
  ].join("\n");
}

function roffTerm({ term, meaning }: { readonly term: string; readonly meaning: string }): readonly string[] {
  return [".TP", `.B ${roff(term)}`, roff(meaning)];
}

/** Text for man(7): a dash stays a dash, and no line begins with a request. */
function roff(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** Writes both. */
export function writeCliPages(): void {
  writeFileSync(cliFile, withCommands(readFileSync(cliFile, "utf8")));
  writeFileSync(manualFile, manualPage());
}
