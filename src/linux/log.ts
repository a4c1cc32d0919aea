import { printable } from "../core/base/printable.ts";
import type { Log, LogLevel } from "../ports/log.ts";

const order: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const longestLine = 8_192;

/**
 * One JSON line a record, what journald and its like take in.
 * @param write takes a whole line, with its newline
 * @param level read anew for every record: SIGHUP changes it
 */
export function jsonLog(write: (line: string) => void, level: () => LogLevel): Log {
  return {
    write(at, event, fields = {}) {
      if (order[at] < order[level()]) return;
      const line = JSON.stringify({ time: new Date().toISOString(), level: at, event, ...fields });
      const isLong = line.length > longestLine;
      // JSON leaves DEL, C1 and what turns or hides text as it is, and journalctl shows it to a person.
      write(`${printable(isLong ? JSON.stringify({ level: at, event, cut: line.slice(0, longestLine) }) : line)}\n`);
    },
  };
}
