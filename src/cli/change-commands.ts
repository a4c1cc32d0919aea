import { type Command, Option } from "commander";
import type { ChangePodOptions, DeleteOptions } from "./change-pod.ts";
import { type CommandAdder, namespaceOption, podArgument, untilSignalled } from "./command-adder.ts";

const forced = "touch a pod of the center, too; the center is told";

interface ApplyArguments {
  readonly filename?: readonly string[];
  readonly force?: true;
  readonly wait: boolean;
  readonly timeout: string;
  readonly namespace?: string;
}

/** The commands that change pods, through the socket of the agent. */
export function addChangeCommands({ command, named, io, done }: CommandAdder): void {
  command(
    "apply",
    "create or change pods on this device",
    "The agent judges them by the same rules as pods of the center, and lists every violation.",
  )
    .argument("[FILE...]", "the same as with -f")
    .option("-f, --filename <FILE...>", "Pods as JSON or YAML; a folder stands for its files, - for standard input")
    .option("--force", forced)
    .option("--no-wait", "do not wait until the pods are ready")
    .option("--timeout <DURATION>", "how long to wait for each pod", "5m")
    .addOption(new Option("-n, --namespace <NAMESPACE>").hideHelp())
    .action(
      async (files: readonly string[], { namespace, filename = [], ...options }: ApplyArguments, apply: Command) => {
        if (namespace !== undefined)
          apply.error("error: the namespace of a pod stands in its file, as metadata.namespace");
        const signal = untilSignalled();
        done(
          await (await import("./apply.ts")).applyCommand(
            { ...named(), ...options, files: [...filename, ...files] },
            io,
            signal,
          ),
        );
      },
    );
  command("delete", "delete pods", "A factory pod is deleted by removing its file.")
    .argument("[NAME...]", "whole names of pods, or namespace/name")
    .option("-f, --filename <FILE...>", "the pods that these files name, as for edge apply")
    .option("--grace-period <SECONDS>", "how long containers may take to end (default: the pod's own)")
    .option("--force", forced)
    .addOption(namespaceOption())
    .action(async (names: readonly string[], options: Omit<DeleteOptions, "config" | "json">) => {
      done(await (await import("./change-pod.ts")).deleteCommand(names, { ...named(), ...options }, io));
    });
  command("restart", "restart the containers of pods", "Each container is created anew.")
    .argument("<NAME...>", podArgument)
    .option("--force", forced)
    .addOption(namespaceOption())
    .action(async (names: readonly string[], options: Omit<ChangePodOptions, "config" | "json">) => {
      done(await (await import("./change-pod.ts")).restartCommand(names, { ...named(), ...options }, io));
    });
}
