import { type Command, Option } from "commander";
import { type CommandAdder, podArgument, untilSignalled } from "./command-adder.ts";
import type { GetOptions } from "./get.ts";

/** Adds the commands that read the device, a pod, or what happened, and change nothing. */
export function addReadCommands({ command, named, io, done }: CommandAdder): void {
  command(
    "status",
    "show the node, the agent, the center, the engine and every pod",
    "Problems come first. It also works if the agent or the engine is dead or the network is gone, and says which.",
  )
    .option("--wide", "print names and reasons in full")
    .action(async (options: { readonly wide?: true }) => {
      done(await (await import("./status.ts")).statusCommand({ ...named(), wide: options.wide === true }, io));
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
  addKubectlCommands({ command, named, io, done });
  command("events", "show what happened and why", "It also works if the agent is dead.")
    .option("--pod <NAME>", `only events of this pod: ${podArgument}`)
    .option("--follow", "wait for new events and print them")
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
  command("logs", "show the output of a container", "It asks the engine, so it needs access to its socket.")
    .argument("<NAME>", podArgument)
    .option("-c, --container <CONTAINER>", "name of the container; required if the pod has several")
    .option("--follow", "wait for new output and print it")
    .option("--tail <N>", "only the last N lines")
    .action(
      async (
        name: string,
        options: { readonly container?: string; readonly follow?: true; readonly tail?: string },
      ) => {
        const stop = untilSignalled();
        done(
          await (await import("./logs.ts")).logsCommand(
            name,
            { ...named(), ...options, follow: options.follow === true },
            io,
            stop,
          ),
        );
      },
    );
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
    .action(async (name: string | undefined, options: Pick<GetOptions, "output">) => {
      done(await (await import("./get.ts")).getPodsCommand(name, { ...named(), ...options }, io));
    });
  command("describe", "show one pod, as edge pod does", "")
    .usage("[options] [pod] <NAME>")
    .argument("<NAME...>", podArgument)
    .action(async (words: readonly string[], _options: unknown, describe: Command) => {
      const [name = ""] = ["pod", "pods", "po"].includes(words[0] ?? "") ? words.slice(-1) : words;
      if (words.length > 1 && name !== words[1]) describe.error("error: edge describe takes one pod: [pod] NAME");
      done(await (await import("./pod.ts")).podCommand(name, named(), io));
    });
}
