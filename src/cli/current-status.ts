import { brokenConfigTodo, unreadConfigTodo } from "../core/doctor/config-advice.ts";
import type { StatusDocument } from "../core/status-document.ts";
import { addonProblem } from "../sqlite/addon.ts";
import { foldersOf, type LoadedConfig, linesOf, loadConfig } from "./config-file.ts";
import { publishedByLock, publishedStatus, workedOutStatus } from "./device-status.ts";
import { keptConfig } from "./last-good-config.ts";
import { exitCodes, type Output } from "./output.ts";
import { isConfigUnread } from "./unread-config.ts";

export type CurrentStatus =
  | { readonly ok: true; readonly document: StatusDocument }
  /** What is wrong has been said. */
  | { readonly ok: false; readonly code: number };

/**
 * What a live agent last published; with the agent dead, what the store and the engine still tell (contracts.md, Where
 * `edge status` looks).
 * @param file the configuration that `--config` names
 */
export async function currentStatus(file: string | undefined, io: Output): Promise<CurrentStatus> {
  const loaded = loadConfig(file, { strict: false });
  const { dir, runDir } = loaded.ok ? loaded.config.data : foldersOf(loaded);
  // Only where this does not find the agent is SQLite loaded, whose word it is.
  const seen = publishedByLock(runDir);
  if (seen !== null) return { ok: true, document: withConfigNotice(seen, loaded) };
  const problem = addonProblem();
  if (problem !== null) {
    io.err(problem);
    return { ok: false, code: exitCodes.no };
  }
  const live = await publishedStatus(runDir);
  if (live !== null) return { ok: true, document: withConfigNotice(live, loaded) };
  if (!loaded.ok) for (const line of linesOf(loaded)) io.err(line);
  const config = loaded.ok ? loaded.config : await keptConfig(dir);
  if (config === null) return { ok: false, code: exitCodes.usage };
  return { ok: true, document: (await workedOutStatus(config, loaded.file)).document };
}

/** Only a command looks at the file: a running agent reads it when it is asked to. */
function withConfigNotice(document: StatusDocument, loaded: LoadedConfig): StatusDocument {
  if (!isConfigUnread(document)) return document;
  const file = document.agent.configRead?.file;
  const [problem] = !loaded.ok && loaded.file === file ? loaded.violations : [];
  const todo = problem === undefined ? unreadConfigTodo : `It cannot be used: ${problem.message}. ${brokenConfigTodo}`;
  const notice = `${file} has changed since the agent read it. ${todo}.`;
  return { ...document, notices: [notice, ...(document.notices ?? [])] };
}
