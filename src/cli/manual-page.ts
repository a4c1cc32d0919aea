import type { Command } from "commander";
import { type CommandEntry, commandEntries, programEntry } from "./command-entries.ts";

/** The manual page edge(1), as man(7) has it, from the description of the commands. */
export function manualPage(program: Command): string {
  const all = programEntry(program);
  const entries = commandEntries(program);
  const help = { term: "--help", meaning: "print the help of the program, or of the command in front of it" };
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
    ...[...all.terms, help].flatMap(roffTerm),
    ".SH COMMANDS",
    ...entries.flatMap(({ usage, description, terms }) => [
      `.SS ${roff(usage)}`,
      roff(description),
      ...terms.flatMap(roffTerm),
    ]),
    ...exitStatus,
    ...files,
    ".SH EXAMPLES",
    ...entries.flatMap(exampleLines),
    ".SH SEE ALSO",
    ".BR docker (1),",
    ".BR systemctl (1),",
    ".BR journalctl (1)",
    "",
  ].join("\n");
}

const exitStatus = [
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
];

const files = [
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
];

function exampleLines({ examples }: CommandEntry): readonly string[] {
  return examples.flatMap(({ line, purpose }) => [".TP", `.B ${roff(line)}`, roff(purpose)]);
}

function roffTerm({ term, meaning }: CommandEntry["terms"][number]): readonly string[] {
  return [".TP", `.B ${roff(term)}`, roff(meaning)];
}

/** Text for man(7): a dash stays a dash, and no line begins with a request. */
function roff(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
