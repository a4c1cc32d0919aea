import { type CommandAdder, podArgument, untilSignalled } from "./command-adder.ts";

const forced = "touch a pod of the center, too; the center is told";

/** The commands that change pods, through the socket of the agent. */
export function addChangeCommands({ command, named, io, done }: CommandAdder): void {
  command(
    "apply",
    "create or change pods on this device",
    "The agent judges them by the same rules as pods of the center, and lists every violation.",
  )
    .requiredOption("-f, --filename <FILE...>", "Pods as JSON or YAML, one a file; - reads standard input")
    .option("--force", forced)
    .option("--no-wait", "do not wait until the pods are ready")
    .option("--timeout <DURATION>", "how long to wait for each pod", "5m")
    .action(
      async (options: {
        readonly filename: readonly string[];
        readonly force?: true;
        readonly wait: boolean;
        readonly timeout: string;
      }) => {
        const signal = untilSignalled();
        done(await (await import("./apply.ts")).applyCommand({ ...named(), ...options }, io, signal));
      },
    );
  command("delete", "delete pods", "A factory pod is deleted by removing its file.")
    .argument("<NAME...>", "whole names of pods, or namespace/name")
    .option("--grace-period <SECONDS>", "how long containers may take to end (default: the pod's own)")
    .option("--force", forced)
    .action(async (names: readonly string[], options: { readonly force?: true; readonly gracePeriod?: string }) => {
      done(await (await import("./change-pod.ts")).deleteCommand(names, { ...named(), ...options }, io));
    });
  command("restart", "restart the containers of pods", "Each container is created anew.")
    .argument("<NAME...>", podArgument)
    .option("--force", forced)
    .action(async (names: readonly string[], options: { readonly force?: true }) => {
      done(await (await import("./change-pod.ts")).restartCommand(names, { ...named(), ...options }, io));
    });
}
