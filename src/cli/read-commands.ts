import { type Command, Option } from "commander";
import {
  type CommandAdder,
  inNamespace,
  type NamespaceOption,
  namespaceOption,
  podArgument,
  untilSignalled,
} from "./command-adder.ts";
import type { GetOptions } from "./get.ts";
import type { LogsOptions } from "./logs.ts";
import type { WaitOptions } from "./wait.ts";

/** Adds the commands that read the device, a pod, or what happened, and change nothing. */
export function addReadCommands({ command, named, io, done }: CommandAdder): void {
  command(
    "status",
    "show the node, the agent, the center, the engine and every pod",
    "Problems come first. It also works if the agent or the engine is dead or the network is gone, and says which.",
  )
    .option("--wide", "print names and reasons in full")
    .option("-w, --watch", "print it again when something has changed, until Ctrl-C")
    .action(async ({ wide, watch }: { readonly wide?: true; readonly watch?: true }) => {
      const { statusCommand, watchStatus } = await import("./status.ts");
      const options = { ...named(), wide: wide === true };
      done(await (watch === true ? watchStatus(options, io, untilSignalled()) : statusCommand(options, io)));
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
    .addOption(namespaceOption())
    .action(async (name: string, options: NamespaceOption) => {
      done(await (await import("./pod.ts")).podCommand(inNamespace(name, options), named(), io));
    });
  addKubectlCommands({ command, named, io, done });
  addWait({ command, named, io, done });
  command("events", "show what happened and why", "It also works if the agent is dead.")
    .option("--pod <NAME>", `only events of this pod: ${podArgument}`)
    .option("-f, --follow", "wait for new events and print them")
    .action(async (options: { readonly pod?: string; readonly follow?: true }) => {
      const stop = untilSignalled();
      done(
        await (await import("./events.ts")).eventsCommand(
          { ...named(), ...options, follow: options.follow === true },
          io,
          stop,
        ),
      );
    });
  addLogs({ command, named, io, done });
}

function addLogs({ command, named, io, done }: CommandAdder): void {
  interface Options extends Pick<LogsOptions, "container" | "since" | "tail"> {
    readonly allContainers?: true;
    readonly follow?: true;
    readonly previous?: true;
    readonly timestamps?: true;
    readonly namespace?: string;
  }
  command("logs", "show the output of containers", "It asks the engine, so it needs access to its socket.")
    .argument("<NAME>", podArgument)
    .option("-c, --container <CONTAINER>", "name of the container; required if the pod has several")
    .option("--all-containers", "of all containers, each line with its container in front")
    .option("-f, --follow", "wait for new output and print it")
    .option("-p, --previous", "of the last run that has ended, if the engine still has it")
    .option("--since <TIME>", "only what is newer: a duration such as 5m, or an RFC 3339 time")
    .option("--tail <N>", "only the last N lines")
    .option("--timestamps", "print the time of each line")
    .addOption(namespaceOption())
    .action(async (typed: string, { allContainers, follow, previous, timestamps, namespace, ...rest }: Options) => {
      const name = inNamespace(typed, namespace === undefined ? {} : { namespace });
      const options = {
        ...named(),
        ...rest,
        allContainers: allContainers === true,
        follow: follow === true,
        previous: previous === true,
        timestamps: timestamps === true,
      };
      done(await (await import("./logs.ts")).logsCommand(name, options, io, untilSignalled()));
    });
}

/** What people type who know kubectl, and this program leaves to the engine (decisions.md 65: no shell for the group edge). */
function addWait({ command, named, io, done }: CommandAdder): void {
  command("wait", "wait until a pod is ready or deleted", "If time is up, it prints the cause and what to do.")
    .argument("<NAME>", podArgument)
    .requiredOption("--for <Ready|Deleted>", "what to wait for")
    .option("--timeout <DURATION>", "how long to wait, such as 30s or 5m", "30s")
    .addOption(namespaceOption())
    .action(async (typed: string, options: Pick<WaitOptions, "for" | "timeout"> & NamespaceOption) => {
      const name = inNamespace(typed, options);
      done(await (await import("./wait.ts")).waitCommand(name, { ...named(), ...options }, io, untilSignalled()));
    });
}

/** The same under the names that kubectl has for it. */
function addKubectlCommands({ command, named, io, done }: CommandAdder): void {
  const get = command("get", "list pods as kubectl does", "");
  command("pods", "list pods, or one of them", "It also works if the agent is dead.", get)
    .aliases(["pod", "po"])
    .argument("[NAME]", podArgument)
    .addOption(
      new Option("-o, --output <FORMAT>", "format; json and yaml print Pods as Kubernetes has them").choices([
        "wide",
        "json",
        "yaml",
        "name",
      ]),
    )
    .option("-n, --namespace <NAMESPACE>", "only pods of this namespace")
    .option("-A, --all-namespaces", "pods of every namespace, as without this option")
    .action(async (name: string | undefined, options: Pick<GetOptions, "output" | "namespace">) => {
      done(await (await import("./get.ts")).getPodsCommand(name, { ...named(), ...options }, io));
    });
  command("describe", "show one pod, as edge pod does", "")
    .argument("<NAME>", podArgument)
    // As kubectl has it: "describe pod web".
    .allowExcessArguments()
    .addOption(namespaceOption())
    .action(async (_first: string, options: NamespaceOption, describe: Command) => {
      const words: readonly string[] = describe.args;
      const [name = ""] = ["pod", "pods", "po"].includes(words[0] ?? "") ? words.slice(-1) : words;
      if (words.length > 1 && name !== words[1]) describe.error("error: edge describe takes one pod");
      done(await (await import("./pod.ts")).podCommand(inNamespace(name, options), named(), io));
    });
}
