// cli: one file for each command; `run.ts` connects ports and adapters.

import { Command, CommanderError } from "commander";
import { cleanOutput, exitCodes, type Output } from "./output.ts";
import { version } from "./version.ts";

const podArgument = "name of the pod, namespace/name, or the beginning of either if only one pod has it";

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
  const program = edgeCommand(io, (next) => {
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

/** The `edge` command with all its commands, as docs/cli.md and the manual page describe it. */
export function edgeCommand(io: Output, done: (code: number) => void): Command {
  const program = new Command("edge")
    .description("Runs pods from a central node on the Docker engine of this device, within the policy of its owner.")
    .version(version, "--version", "print the version")
    .helpOption("--help", "print this help")
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
  const command = (usage: string, summary: string, description: string, parent = program) =>
    parent
      .command(usage)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.${description === "" ? "" : ` ${description}`}`)
      .helpOption("--help", "print this help")
      .exitOverride();

  command(
    "run",
    "run the agent in the foreground",
    "It writes one JSON line for each event to stderr. Pods keep running when it ends.",
  ).action(async () => {
    done(await (await import("./run.ts")).runCommand(named(), io));
  });
  lookingCommands({ command, named, io, done });
  command(
    "validate",
    "check whether this device would accept a pod or a message",
    "It lists every violation with its path, rule and value, and what to do.",
  )
    .argument("[FILE...]", "messages or Pods, as JSON or YAML")
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
  command(
    "install",
    "install the agent as a service on this device or in an image",
    "It adds the program, folders, a group, a systemd unit and a first configuration. It skips finished steps and never overwrites a configuration.",
  )
    .option("--root <DIR>", "the folder of an image instead of this device", "/")
    .option("--center <URL>", "address of the center, if there is no configuration yet")
    .option("--dry-run", "print the steps and change nothing", false)
    .action(async (options: { readonly root: string; readonly center?: string; readonly dryRun: boolean }) => {
      done((await import("./install.ts")).installCommand({ ...named(), ...options }, io));
    });
  command("uninstall", "remove the service and the program", "Pods, data and configuration stay without --purge.")
    .option("--root <DIR>", "the folder of an image instead of this device", "/")
    .option("--purge", "remove pods, data and configuration, too", false)
    .option("--dry-run", "print the steps and change nothing", false)
    .action(async (options: { readonly root: string; readonly purge: boolean; readonly dryRun: boolean }) => {
      done(await (await import("./uninstall.ts")).uninstallCommand({ ...named(), ...options }, io));
    });
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
  return program;
}

interface Commands {
  readonly command: (usage: string, summary: string, description: string) => Command;
  readonly named: () => { readonly json: boolean; readonly config?: string };
  readonly io: Output;
  readonly done: (code: number) => void;
}

/** Those that look at the device, at a pod, or at what has happened. */
function lookingCommands({ command, named, io, done }: Commands): void {
  command(
    "status",
    "show the node, the agent, the center, the engine and every pod",
    "Problems come first. It also works if the agent or the engine is dead or the network is gone, and says which.",
  )
    .option("--wide", "print names and reasons in full", false)
    .action(async (options: { readonly wide: boolean }) => {
      done(await (await import("./status.ts")).statusCommand({ ...named(), ...options }, io));
    });
  command(
    "doctor",
    "check the device and say what to do about each problem",
    "It looks at the engine, cgroups, disk, store, memory, clock, certificates, center and NPUs. It changes nothing.",
  ).action(async () => {
    done(await (await import("./doctor.ts")).doctorCommand(named(), io));
  });
  command(
    "pod",
    "show one pod",
    "It prints the spec in force, conditions, containers, and the last actions and messages. Values of variables are hidden. With --json it prints the Pod as Kubernetes has it.",
  )
    .argument("<NAME>", podArgument)
    .action(async (name: string) => {
      done(await (await import("./pod.ts")).podCommand(name, named(), io));
    });
  command("events", "show what happened and why", "It also works if the agent is dead.")
    .option("--pod <NAME>", `only events of this pod: ${podArgument}`)
    .option("--follow", "wait for new events and print them", false)
    .action(async (options: { readonly pod?: string; readonly follow: boolean }) => {
      const stop = untilSignalled();
      done(await (await import("./events.ts")).eventsCommand({ ...named(), ...options }, io, stop));
    });
  command("logs", "show the output of a container", "It asks the engine, so it needs access to its socket.")
    .argument("<NAME>", podArgument)
    .option("-c, --container <CONTAINER>", "name of the container; required if the pod has several")
    .option("--follow", "wait for new output and print it", false)
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
