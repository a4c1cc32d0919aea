import { setTimeout as sleep } from "node:timers/promises";
import { printableValue } from "../core/base/printable.ts";
import type { StatusDocument } from "../core/status-document.ts";
import { currentStatus } from "./current-status.ts";
import { exitCodes, type Output, pageColumns } from "./output.ts";
import { statusPage } from "./status-page.ts";

export interface StatusOptions {
  readonly config?: string;
  readonly json: boolean;
  /** Names and reasons in full, however wide the terminal must be. */
  readonly wide: boolean;
}

/** Between two looks of `--watch`; without an agent each look asks the engine. */
const watchMs = { live: 1_000, dead: 5_000 } as const;

/** `edge status` (contracts.md): the device and every pod; the agent need not run. */
export async function statusCommand(options: StatusOptions, io: Output): Promise<number> {
  const current = await currentStatus(options.config, io);
  return current.ok ? print(current.document, options, io) : current.code;
}

/**
 * `edge status --watch`: draws the page again when it has changed, on a terminal in the place of the last one, else below
 * it. Ends with the signal.
 */
export async function watchStatus(options: StatusOptions, io: Output, signal: AbortSignal): Promise<number> {
  let shown = "";
  let isFirst = true;
  while (!signal.aborted) {
    // What is wrong with the configuration is said once.
    const current = await currentStatus(options.config, isFirst ? io : { ...io, err: () => undefined });
    if (!current.ok && isFirst) return current.code;
    isFirst = false;
    if (current.ok && !signal.aborted) shown = draw(current.document, shown, options, io);
    const isLive = current.ok && current.document.agent.running;
    await sleep(isLive ? watchMs.live : watchMs.dead, undefined, { signal }).catch(() => undefined);
  }
  return exitCodes.fine;
}

/** Gives what is shown now. Ages alone are a change on a terminal only. */
function draw(document: StatusDocument, shown: string, options: StatusOptions, io: Output): string {
  const { terminal } = io;
  const lines = linesOf(document, options, io);
  if (options.json || terminal === undefined) {
    const text = JSON.stringify(document);
    if (text === shown) return shown;
    if (!options.json && shown !== "") io.out("");
    for (const line of lines) io.out(line);
    return text;
  }
  const text = lines.join("\n");
  if (text === shown) return shown;
  terminal.clear();
  for (const line of lines.slice(0, Math.max(1, terminal.rows() - 1))) io.out(line);
  return text;
}

function linesOf(document: StatusDocument, { json, wide }: StatusOptions, io: Output): readonly string[] {
  if (json) return [JSON.stringify(document)];
  const columns = wide ? Number.POSITIVE_INFINITY : pageColumns(io);
  return statusPage(printableValue(document), Date.now(), { columns });
}

function print(document: StatusDocument, options: StatusOptions, io: Output): number {
  for (const line of linesOf(document, options, io)) io.out(line);
  return document.agent.running && document.engine.state === "ready" ? exitCodes.fine : exitCodes.no;
}
