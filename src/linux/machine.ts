import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import type { Machine } from "../core/node/status.ts";

const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64", arm: "arm", ia32: "386" };

/** What this device is. */
export function readMachine(osRelease = "/etc/os-release"): Machine {
  return {
    cpus: cpus().length,
    memoryBytes: totalmem(),
    osImage: prettyName(osRelease),
    kernelVersion: release(),
    architecture: goArchitectures[process.arch] ?? process.arch,
  };
}

/** os-release(5): a line of shell, usually quoted. */
function prettyName(file: string): string {
  try {
    const name = /^PRETTY_NAME=(?:"([^"\n]*)"|'([^'\n]*)'|(.*))$/m.exec(readFileSync(file, "utf8"));
    return name?.[1] ?? name?.[2] ?? name?.[3] ?? "Linux";
  } catch {
    return "Linux";
  }
}
