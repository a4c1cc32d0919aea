import { readFileSync } from "node:fs";

/** See PodFiles.groupsOf: proc(5), status, the lines Gid and Groups. */
export function groupsOf(pid: number, proc = "/proc"): readonly number[] | null {
  try {
    const text = readFileSync(`${proc}/${pid}/status`, "utf8");
    const lines = text.matchAll(/^(?:Gid|Groups):([\t 0-9]*)$/gm);
    return [...lines].flatMap(([, numbers = ""]) =>
      numbers
        .split(/\s/)
        .filter((word) => word !== "")
        .map(Number),
    );
  } catch {
    return null;
  }
}
