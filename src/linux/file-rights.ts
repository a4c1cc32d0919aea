import { readFileSync, statSync } from "node:fs";

/**
 * What to tell a user who may not read a file or use a socket: who may, and what to do.
 * @param joinable whether the group is one that operators join; to be in that of the engine is to be root
 */
export function noRightSentence(
  path: string,
  { verb, joinable }: { readonly verb: "read" | "use"; readonly joinable: boolean },
): string {
  const group = groupThatMay(path, verb === "read" ? 0o040 : 0o020);
  if (group === null) return `This user may not ${verb} ${path}, only root may. Run the command with sudo`;
  const join = joinable ? `, or let this user join the group: sudo usermod -aG ${group} USER` : "";
  return `This user may not ${verb} ${path}, only root and the group ${group} may. Run the command with sudo${join}`;
}

/** Null where no group has the right, or that cannot be told. */
function groupThatMay(path: string, right: number): string | null {
  try {
    const { gid, mode } = statSync(path);
    if (gid === 0 || (mode & right) === 0) return null;
    const line = readFileSync("/etc/group", "utf8")
      .split("\n")
      .find((text) => text.split(":")[2] === String(gid));
    return line?.split(":")[0] ?? String(gid);
  } catch {
    return null;
  }
}
