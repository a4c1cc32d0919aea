import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type SelfEnd, safeModeEnds } from "../core/node/safe-mode.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { replaceFile } from "./files.ts";

/** Keeps in the data folder when the agent's process ended by itself: the last few times. */
export interface SelfEnds {
  all(): readonly SelfEnd[];
  /** The process ends now because of this. Does not throw. */
  add(why: string, busy: readonly string[] | null): void;
}

const endsFile = "self-ended.json";
const reportFile = "fatal-error.json";
const mostBytes = 65_536;

/**
 * Opens the record of a data folder. An end by an error adds itself through `add`. Node itself ends the process when the
 * heap is full: it leaves a report then, which counts at the next start.
 */
export function selfEnds(dir: string, clock: Clock, log: Log): SelfEnds {
  const file = join(dir, endsFile);
  let ends = readEnds(file);
  const ended: SelfEnds = {
    all: () => ends,
    add(why, busy) {
      const end: SelfEnd = { bootId: clock.bootId(), mono: clock.mono(), busy, why: why.slice(0, 512) };
      ends = [...ends, end].slice(-safeModeEnds);
      try {
        replaceFile(file, `${JSON.stringify({ ends })}\n`, 0o600, { durable: false });
      } catch (error) {
        log.write("warn", "End not recorded", { why: String(error) });
      }
    },
  };
  const report = join(dir, reportFile);
  if (existsSync(report)) {
    ended.add(fatalError(report), null);
    rmSync(report, { force: true });
  }
  reportFatalErrors(dir);
  return ended;
}

function reportFatalErrors(dir: string): void {
  Object.assign(process.report, { directory: dir, filename: reportFile, compact: true, reportOnFatalError: true });
}

/** What Node says it died of. Half a report counts too. */
function fatalError(file: string): string {
  try {
    if (statSync(file).size > 2 ** 20) return "a fatal error";
    const { header } = JSON.parse(readFileSync(file, "utf8")) as { readonly header?: { readonly event?: unknown } };
    return typeof header?.event === "string" ? header.event : "a fatal error";
  } catch {
    return "a fatal error";
  }
}

/** A file that is damaged tells nothing. */
function readEnds(file: string): readonly SelfEnd[] {
  try {
    if (statSync(file).size > mostBytes) return [];
    const { ends } = JSON.parse(readFileSync(file, "utf8")) as { readonly ends?: unknown };
    return Array.isArray(ends) ? ends.filter(isSelfEnd).slice(-safeModeEnds) : [];
  } catch {
    return [];
  }
}

function isSelfEnd(value: unknown): value is SelfEnd {
  if (typeof value !== "object" || value === null) return false;
  const { bootId, mono, busy, why } = value as Partial<SelfEnd>;
  const isBusy = busy === null || (Array.isArray(busy) && busy.every((key) => typeof key === "string"));
  return typeof bootId === "string" && typeof mono === "number" && typeof why === "string" && isBusy;
}
