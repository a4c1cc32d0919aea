// cli: one file for each command; `run.ts` connects ports and adapters.

import { Command, CommanderError } from "commander";
import { closest } from "../core/base/closest.ts";
import { absentCommand, insteadOfArguments } from "./absent-commands.ts";
import { addChangeCommands } from "./change-commands.ts";
import { type CommandAdder, untilSignalled } from "./command-adder.ts";
import { examplesText } from "./examples.ts";
import { addInstallCommands } from "./install-commands.ts";
import { cleanOutput, exitCodes, type Output } from "./output.ts";
import { addReadCommands } from "./read-commands.ts";
import { version } from "./version.ts";

interface Globals {
  readonly config?: string;
  readonly json?: boolean;
}

/**
 * The `edge` command (contracts.md): reads the arguments, loads the one command that is asked for, and gives its exit
 * code. Commands are loaded lazily, so that `edge status` never loads the daemon.
 */
export async function main(args: readonly string[], output: Output): Promise<number> {
  const io = cleanOutput(output);
  const absent = absentCommand(args);
  if (absent !== null) {
    io.err(absent);
    return exitCodes.usage;
  }
  let code: number = exitCodes.fine;
  const program = edgeCommand(io, (next) => {
    code = next;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const instead = error.code === "commander.excessArguments" ? insteadOfArguments(args) : null;
    if (instead !== null) io.err(instead);
    return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage;
  }
}

/** The help of a command, as its --help. Commander's own answers an unknown one with the help of the program. */
function addHelp(command: CommandAdder["command"], program: Command): void {
  command("help", "print the help of a command", "")
    .argument("[COMMAND...]", "the words of a command")
    .action((words: readonly string[]) => {
      let found = program;
      for (const word of words) {
        const names = found.commands.flatMap((inner) => [inner.name(), ...inner.aliases()]);
        const next = found.commands.find((inner) => [inner.name(), ...inner.aliases()].includes(word));
        const meant = closest(word, names);
        if (next === undefined)
          return program.error(`error: unknown command '${word}'${meant === null ? "" : `\n(Did you mean ${meant}?)`}`);
        found = next;
      }
      found.outputHelp();
    });
}

/** The `edge` command with all its commands, as docs/cli.md and the manual page describe it. */
export function edgeCommand(io: Output, done: (code: number) => void): Command {
  const program = new Command("edge")
    .description("Runs pods from a central node on the Docker engine of this device, within the policy of its owner.")
    .version(version, "-v, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .option(
      "--config <FILE>",
      "configuration (default: /etc/edge/edge.config.json; not for root: ./edge.config.json first)",
    )
    .option("--json", "print JSON and nothing else")
    .showHelpAfterError("Try edge --help")
    .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.err(text.trimEnd()) })
    .exitOverride();
  const globals = (): Globals => program.opts<Globals>();
  const named = () => {
    const { config, json } = globals();
    return { json: json === true, ...(config === undefined ? {} : { config }) };
  };
  const command: CommandAdder["command"] = (usage, summary, description, parent = program) => {
    const added = parent.command(usage);
    const path = parent === program ? added.name() : `${parent.name()} ${added.name()}`;
    return added
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.${description === "" ? "" : ` ${description}`}`)
      .helpOption("-h, --help", "print this help")
      .configureHelp({ showGlobalOptions: true })
      .showHelpAfterError(`Try edge ${path} --help`)
      .addHelpText("after", examplesText(path))
      .exitOverride();
  };

  command(
    "run",
    "run the agent in the foreground",
    "It writes one JSON line for each event to stderr. Pods keep running when it ends.",
  ).action(async () => {
    done(await (await import("./run.ts")).runCommand(named(), io));
  });
  addReadCommands({ command, named, io, done });
  addChangeCommands({ command, named, io, done });
  command(
    "validate",
    "check whether this device would accept a pod or a message",
    "It lists every violation with its path, rule and value, and what to do.",
  )
    .argument("[FILE...]", "messages or Pods, as JSON or YAML; a folder stands for its files")
    .option("--node <FACTS>", "a JSON file with facts of another device")
    .option("--explain <RULE>", "print what a rule expects and where it comes from")
    .action(async (files: readonly string[], options: { readonly node?: string; readonly explain?: string }) => {
      done(await (await import("./validate.ts")).validateCommand(files, { ...named(), ...options }, io));
    });
  const config = command("config", "print the configuration in force", "Secrets are hidden.");
  config.action(async () => {
    done((await import("./config.ts")).configCommand(named(), io));
  });
  command("check", "check the configuration", "It lists every problem. Unknown keys are errors, too.", config).action(
    async () => {
      done((await import("./config.ts")).configCheckCommand(named(), io));
    },
  );
  command("schema", "print the JSON schema of the configuration", "Editors can use it.", config).action(async () => {
    done(await (await import("./config.ts")).configSchemaCommand(io));
  });
  addInstallCommands({ command, named, io, done }, program);
  command("center", "run a center for development and tests", "Do not use it in production.")
    .requiredOption("--listen <HOST:PORT>", "address for agents")
    .option("--tls <DIR>", "folder with ca.pem, cert.pem and key.pem")
    .option("--record <FILE>", "write every received message to this file, one JSON line each")
    .option("--control <SOCKET>", "serve HTTP on this unix socket: POST /send?node=NAME, GET /nodes")
    .action(
      async (options: {
        readonly listen: string;
        readonly tls?: string;
        readonly record?: string;
        readonly control?: string;
      }) => {
        done(await (await import("./center.ts")).centerCommand(options, io, untilSignalled()));
      },
    );
  command(
    "completion",
    "print a script that completes edge in a shell",
    "edge install puts them where the shells look.",
  )
    .argument("<bash|zsh|fish>", "the shell")
    .action(async (shell: string) => {
      done((await import("./completion.ts")).completionCommand(shell, program, io));
    });
  addHelp(command, program);
  return program;
}
