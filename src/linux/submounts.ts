import { readFileSync } from "node:fs";

/** Whose mounts the engine may carry into a container: the host's first process, and ours, if it is in another namespace. */
const namespaces: readonly string[] = ["/proc/1/mountinfo", "/proc/self/mountinfo"];

/** Whether anything is mounted below a folder of this device: a bind of the folder carries it along, writable as it is. */
export function hasSubmounts(folder: string, tables: readonly string[] = namespaces): boolean {
  const below = folder === "/" ? "/" : `${folder}/`;
  return tables.some((table) => mountPoints(table).some((point) => point.startsWith(below)));
}

/** proc(5), mountinfo: the fifth field, in which space, tab, newline and backslash are written as octal numbers. */
function mountPoints(table: string): readonly string[] {
  return textOf(table)
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((field) =>
      field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
