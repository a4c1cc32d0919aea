import { copyFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { bundleFile } from "./bundle.ts";
import { executableFile } from "./executable.ts";

/**
 * The ways to run the built program. node and deno: the bundle. executable: this machine's own. arm64: that executable,
 * under qemu where the machine is another.
 */
export type Program = "node" | "deno" | "executable" | "arm64";

const arm64Libraries = "/usr/aarch64-linux-gnu";

/** A machine without Node, and a user whose NODE_OPTIONS name a file that is not there. */
const bare = ["/usr/bin/env", "-i", "PATH=/nowhere", "NODE_OPTIONS=--require=/nowhere/there.cjs"];

/**
 * Copies a built program into a folder, so that a build in this tree does not change what runs, and gives the command
 * that runs the copy. The process that is started is the program's own.
 * @param bundle what node and deno run, if not the one in dist
 * @param executable what is run as the executable, if not the one in dist
 */
export function installProgram(
  program: Program,
  folder: string,
  bundle: string = bundleFile,
  executable: string = executableFile(process.arch === "arm64" ? "arm64" : "x64"),
): readonly [string, ...string[]] {
  const file = join(folder, program === "node" || program === "deno" ? "edge.mjs" : "edge");
  const place = (built: string): string => {
    copyFileSync(built, file);
    return file;
  };
  switch (program) {
    case "node":
      return [process.execPath, place(bundle)];
    case "deno": {
      // Not the package's own command, which starts this one as its child.
      const deno = resolve(`node_modules/@deno/linux-${process.arch}-glibc/deno`);
      return [deno, "run", "--allow-all", "--no-config", place(bundle)];
    }
    case "executable":
      return bareCommand(place(executable));
    case "arm64":
      place(executableFile("arm64"));
      return process.arch === "arm64"
        ? bareCommand(file)
        : bareCommand("/usr/bin/qemu-aarch64-static", "-L", arm64Libraries, file);
    default:
      return program satisfies never;
  }
}

function bareCommand(...command: readonly string[]): readonly [string, ...string[]] {
  const [first = "", ...rest] = [...bare, ...command];
  return [first, ...rest];
}
