// The commands in docs/cli.md, between two markers, and the manual page docs/edge.1: both from the program's own description.
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { type CommandEntry, commandEntries, programEntry } from "../src/cli/command-entries.ts";
import { manualPage } from "../src/cli/manual-page.ts";
import { edgeCommand } from "../src/cli/program.ts";

export const cliFile = "docs/cli.md";
export const manualFile = "docs/edge.1";
const start = "<!-- commands: written by npm run docs -->";
const end = "<!-- end of commands -->";

const silent = { out: () => undefined, err: () => undefined };

/** The program's own description, which does nothing. */
export function program(): Command {
  return edgeCommand(silent, () => undefined);
}

/** The text with all commands between its markers; throws if they are missing. */
export function withCommands(text: string): string {
  const [before, rest] = [text.indexOf(start), text.indexOf(end)];
  if (before < 0 || rest < before) throw new Error(`No ${start} … ${end} to write between`);
  return `${text.slice(0, before + start.length)}\n\n${sections()}\n\n${text.slice(rest)}`;
}

function sections(): string {
  const all = programEntry(program());
  const options = ["## Options of every command", "", ...all.terms.map(markdownTerm)].join("\n");
  return [...commandEntries(program()).map(section), options].join("\n\n");
}

function section({ name, usage, description, terms, examples }: CommandEntry): string {
  const list = terms.length === 0 ? [] : ["", ...terms.map(markdownTerm)];
  const width = Math.max(...examples.map(({ line }) => line.length));
  const lines = examples.map(({ line, purpose }) => `${line.padEnd(width)}  # ${purpose}`);
  const shown = lines.length === 0 ? [] : ["", "```", ...lines, "```"];
  return [`## ${name}`, "", "```", usage, "```", "", description, ...list, ...shown].join("\n");
}

function markdownTerm({ term, meaning }: CommandEntry["terms"][number]): string {
  return `- \`${term}\`: ${meaning}`;
}

/** The manual page of the program as it is now. */
export function currentManualPage(): string {
  return manualPage(program());
}

/** Writes both. */
export function writeCliPages(): void {
  writeFileSync(cliFile, withCommands(readFileSync(cliFile, "utf8")));
  writeFileSync(manualFile, currentManualPage());
}
