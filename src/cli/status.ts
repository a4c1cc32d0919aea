import { printableValue } from "../core/base/printable.ts";
import type { StatusDocument } from "../core/status-document.ts";
import { addonProblem } from "../sqlite/addon.ts";
import { foldersOf, linesOf, loadConfig } from "./config-file.ts";
import { publishedByLock, publishedStatus, workedOutStatus } from "./device-status.ts";
import { keptConfig } from "./last-good-config.ts";
import { exitCodes, type Output } from "./output.ts";
import { statusPage } from "./status-page.ts";

export interface StatusOptions {
  readonly config?: string;
  readonly json: boolean;
  /** Names and reasons in full, however wide the terminal must be. */
  readonly wide: boolean;
}

/** `edge status`: what a live agent last published; with the agent dead, what the store and the engine still tell. */
export async function statusCommand(options: StatusOptions, io: Output): Promise<number> {
  const loaded = loadConfig(options.config, { strict: false });
  const { dir, runDir } = loaded.ok ? loaded.config.data : foldersOf(loaded);
  // Only where this does not find the agent is SQLite loaded, whose word it is.
  const seen = publishedByLock(runDir);
  if (seen !== null) return print(seen, options, io);
  const problem = addonProblem();
  if (problem !== null) {
    io.err(problem);
    return exitCodes.no;
  }
  const live = await publishedStatus(runDir);
  if (live !== null) return print(live, options, io);
  if (!loaded.ok) for (const line of linesOf(loaded)) io.err(line);
  const config = loaded.ok ? loaded.config : await keptConfig(dir);
  if (config === null) return exitCodes.usage;
  return print((await workedOutStatus(config, loaded.file)).document, options, io);
}

function print(document: StatusDocument, { json, wide }: StatusOptions, io: Output): number {
  if (json) io.out(JSON.stringify(document));
  else for (const line of statusPage(printableValue(document), Date.now(), { wide })) io.out(line);
  return document.agent.running && document.engine.state === "ready" ? exitCodes.fine : exitCodes.no;
}
