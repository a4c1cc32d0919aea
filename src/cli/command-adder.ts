import { type Command, Option } from "commander";
import type { Output } from "./output.ts";

/** With what commands are added to the program, and print and end. */
export interface CommandAdder {
  /**
   * @param usage name and nothing else: arguments are added to the command
   * @param summary a line of the list of commands, in lower case and without a full stop
   * @param description further sentences of its own help, or ""
   * @param parent the program if it is left out
   */
  readonly command: (usage: string, summary: string, description: string, parent?: Command) => Command;
  /** The options of every command. */
  readonly named: () => { readonly json: boolean; readonly config?: string };
  readonly io: Output;
  /** Sets the exit code. */
  readonly done: (code: number) => void;
}

/** What every command that takes the name of a pod says of it. */
export const podArgument = "name of the pod, namespace/name, or the beginning of either if only one pod has it";

export interface NamespaceOption {
  readonly namespace?: string;
}

/** As kubectl has it. Pod names are unique on a device, so it is never needed. */
export function namespaceOption(): Option {
  return new Option("-n, --namespace <NAMESPACE>", "namespace of the pod; not needed, as names are unique here");
}

/** A pod's name as it was typed, with the namespace that -n has named. */
export function inNamespace(name: string, { namespace }: NamespaceOption): string {
  const bare = name.replace(/^pods?\//, "");
  return namespace === undefined || bare.includes("/") ? name : `${namespace}/${bare}`;
}

/** Aborts at SIGTERM and SIGINT, which end a command that follows. */
export function untilSignalled(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
