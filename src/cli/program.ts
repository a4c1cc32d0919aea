// cli: one file for each command; `run.ts` connects ports and adapters.

import { Command, CommanderError } from "commander";
import { cleanOutput, exitCodes, type Output } from "./output.ts";
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
  let code: number = exitCodes.fine;
  const program = commands(io, (next) => {
    code = next;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage;
  }
}

function commands(io: Output, done: (code: number) => void): Command {
  const program = new Command("edge")
    .description("An embedded edge runtime: pods from a central node, judged here, run on Docker")
    .version(version, "--version", "print the version")
    .helpOption("--help", "print this help")
    .option(
      "--config <FILE>",
      "configuration (default: /etc/edge/edge.config.json; before it, but not for root, ./edge.config.json)",
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
  const command = (usage: string, description: string, parent = program) =>
    parent.command(usage).description(description).helpOption("--help", "print this help").exitOverride();

  command("run", "run the agent in the foreground").action(async () => {
    done(await (await import("./run.ts")).runCommand(named(), io));
  });
  lookingCommands({ command, named, io, done });
  command("validate", "would this device accept it?")
    .argument("[FILE...]", "messages or Pods, as JSON or YAML")
    .option("--node <FACTS>", "facts that replace what the device says of itself")
    .option("--explain <RULE>", "what a rule asks for, and where it comes from")
    .action(async (files: readonly string[], options: { readonly node?: string; readonly explain?: string }) => {
      done(await (await import("./validate.ts")).validateCommand(files, { ...named(), ...options }, io));
    });
  const config = command("config", "the configuration in force, secrets hidden");
  config.action(async () => {
    done((await import("./config.ts")).configCommand(named(), io));
  });
  command("check", "is it right? Every problem, with what was expected", config).action(async () => {
    done((await import("./config.ts")).configCheckCommand(named(), io));
  });
  command("schema", "its JSON schema, for editors", config).action(async () => {
    done(await (await import("./config.ts")).configSchemaCommand(io));
  });
  command("install", "program, folders, group, unit and a first configuration on this device, or in an image")
    .option("--root <DIR>", "the folder of an image instead of this device", "/")
    .option("--center <URL>", "the center's address, for a configuration that is not there yet")
    .option("--dry-run", "say what would be done, and do nothing", false)
    .action(async (options: { readonly root: string; readonly center?: string; readonly dryRun: boolean }) => {
      done((await import("./install.ts")).installCommand({ ...named(), ...options }, io));
    });
  command("uninstall", "service and program go; pods and data stay")
    .option("--root <DIR>", "the folder of an image instead of this device", "/")
    .option("--purge", "pods, data and configuration go, too", false)
    .option("--dry-run", "say what would be done, and do nothing", false)
    .action(async (options: { readonly root: string; readonly purge: boolean; readonly dryRun: boolean }) => {
      done(await (await import("./uninstall.ts")).uninstallCommand({ ...named(), ...options }, io));
    });
  command("center", "the dev central node, for development and tests only")
    .requiredOption("--listen <HOST:PORT>", "where agents connect to")
    .option("--tls <DIR>", "folder with ca.pem, cert.pem and key.pem")
    .option("--record <FILE>", "write every message received to it, one JSON line each")
    .option("--control <SOCKET>", "HTTP on a unix socket: POST /send?node=NAME, GET /nodes")
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
  return program;
}

interface Commands {
  readonly command: (usage: string, description: string) => Command;
  readonly named: () => { readonly json: boolean; readonly config?: string };
  readonly io: Output;
  readonly done: (code: number) => void;
}

/** Those that look at the device, at a pod, or at what has happened. */
function lookingCommands({ command, named, io, done }: Commands): void {
  command("status", "node, agent, center, engine and pods, problems first")
    .option("--wide", "print names and reasons in full", false)
    .action(async (options: { readonly wide: boolean }) => {
      done(await (await import("./status.ts")).statusCommand({ ...named(), ...options }, io));
    });
  command("doctor", "is this device fit, and what is to be done where it is not?").action(async () => {
    done(await (await import("./doctor.ts")).doctorCommand(named(), io));
  });
  command("pod", "everything about one pod")
    .argument("<NAME>", "its name, or namespace/name")
    .action(async (name: string) => {
      done(await (await import("./pod.ts")).podCommand(name, named(), io));
    });
  command("events", "what happened and why")
    .option("--pod <NAME>", "of one pod only: its name, or namespace/name")
    .option("--follow", "go on with what happens from now on", false)
    .action(async (options: { readonly pod?: string; readonly follow: boolean }) => {
      const stop = untilSignalled();
      done(await (await import("./events.ts")).eventsCommand({ ...named(), ...options }, io, stop));
    });
  command("logs", "what a container has printed")
    .argument("<NAME>", "name of the pod, or namespace/name")
    .option("-c, --container <CONTAINER>", "which of its containers; needed where it has several")
    .option("--follow", "go on with what it prints from now on", false)
    .option("--tail <N>", "only the last N lines")
    .action(
      async (
        name: string,
        options: { readonly container?: string; readonly follow: boolean; readonly tail?: string },
      ) => {
        const stop = untilSignalled();
        done(await (await import("./logs.ts")).logsCommand(name, { ...named(), ...options }, io, stop));
      },
    );
}

function untilSignalled(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
