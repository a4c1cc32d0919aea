import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { getSystemErrorMessage } from "node:util";
import { isPodFileName } from "../linux/factory-files.ts";

/** What a file holds that a command was given, or why it cannot be read. */
export type InputFile = {
  /** What it is called on the screen. */
  readonly subject: string;
} & (
  | {
      readonly ok: true;
      readonly text: string;
      /** Ends in what the text is: `.json`, `.yaml` or `.yml`. */
      readonly name: string;
    }
  | { readonly ok: false; readonly reason: string }
);

/** What files hold, in their order. A folder stands for its files of pods, `-` for standard input. */
export async function readInputs(paths: readonly string[]): Promise<readonly InputFile[]> {
  const inputs: InputFile[] = [];
  for (const path of paths) {
    const files = filesOf(path);
    if (files.length === 0) inputs.push({ subject: path, ok: false, reason: noFiles });
    for (const file of files) inputs.push(await readInput(file));
  }
  return inputs;
}

const noFiles = "no file in this folder ends in .yaml, .yml or .json";

/** The files of pods in a folder, by name; of anything else, itself. Folders in it are left out. */
function filesOf(path: string): readonly string[] {
  try {
    if (path === "-" || !statSync(path).isDirectory()) return [path];
    const entries = readdirSync(path, { withFileTypes: true });
    const names = entries.filter((entry) => !entry.isDirectory() && isPodFileName(entry.name)).map(({ name }) => name);
    return names.sort().map((name) => join(path, name));
  } catch {
    // Reading it as a file says why.
    return [path];
  }
}

/** Standard input is JSON if it begins as JSON does, else YAML. */
async function readInput(file: string): Promise<InputFile> {
  const subject = file === "-" ? "standard input" : file;
  try {
    if (file !== "-") return { subject, ok: true, text: readFileSync(file, "utf8"), name: file };
    // Read in one go, a pipe that is still empty would be an error: what writes to it may be slow.
    const piped = await text(process.stdin);
    return { subject, ok: true, text: piped, name: piped.trimStart().startsWith("{") ? "-.json" : "-.yaml" };
  } catch (error) {
    return { subject, ok: false, reason: getSystemErrorMessage((error as NodeJS.ErrnoException).errno ?? 0) };
  }
}
