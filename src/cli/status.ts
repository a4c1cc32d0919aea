import { printableValue } from "../core/base/printable.ts";
import type { StatusDocument } from "../core/status-document.ts";
import { currentStatus } from "./current-status.ts";
import { exitCodes, type Output } from "./output.ts";
import { statusPage } from "./status-page.ts";

export interface StatusOptions {
  readonly config?: string;
  readonly json: boolean;
  /** Names and reasons in full, however wide the terminal must be. */
  readonly wide: boolean;
}

/** `edge status` (contracts.md): the device and every pod; the agent need not run. */
export async function statusCommand(options: StatusOptions, io: Output): Promise<number> {
  const current = await currentStatus(options.config, io);
  return current.ok ? print(current.document, options, io) : current.code;
}

function print(document: StatusDocument, { json, wide }: StatusOptions, io: Output): number {
  if (json) io.out(JSON.stringify(document));
  else for (const line of statusPage(printableValue(document), Date.now(), { wide })) io.out(line);
  return document.agent.running && document.engine.state === "ready" ? exitCodes.fine : exitCodes.no;
}
