import { existsSync, lstatSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";

/**
 * What an agent, `edge install` and the Debian package (purge) make in the agent's folders, and what a file system that is
 * mounted there brings along.
 */
const own =
  /^(?:store\.db(?:-wal|-shm|-journal)?|store\.db\.damaged-[0-9]{1,9}(?:-wal|-shm)?|device\.key(?:\.tmp)?|(?:agent\.)?lock(?:-journal)?|self-ended\.json(?:\.tmp)?|fatal-error\.json|status\.json(?:\.tmp)?|edge\.sock|\.sock-.{6}|pods|images|purge|dns|host-paths|edge-addon-.{1,64}|lost\+found)$/;

/**
 * Why a folder that a configuration names is not to be removed: it is one of the system's, or holds what no agent made.
 * @param path in the file system that is looked at
 * @param name as the configuration has it
 * @param isOwn whether something of this name in the folder is the agent's
 * @returns null for a folder of an agent's, and for one that is not there
 */
export function whyNotOurs(
  path: string,
  name: string,
  isOwn = (entry: string): boolean => own.test(entry),
): string | null {
  if (!existsSync(path)) return null;
  const depth = name.split("/").filter((part) => part !== "" && part !== ".").length;
  if (depth < 2) return `${name} is a folder of the system`;
  if (lstatSync(path).isSymbolicLink() && realpathSync(path).split("/").length < 3)
    return `${name} leads to a folder of the system`;
  if (!lstatSync(path).isDirectory()) return null;
  const other = readdirSync(path).find((entry) => !isOwn(entry));
  return other === undefined ? null : `${join(name, other)} is not the agent's`;
}
