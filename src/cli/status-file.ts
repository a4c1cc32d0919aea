import { join } from "node:path";
import type { StatusDocument } from "../core/status-document.ts";
import { replaceFile } from "../linux/files.ts";
import type { Log } from "../ports/log.ts";

/** The file that the agent writes for `edge status` and the commands beside it. */
export function statusPath(runDir: string): string {
  return join(runDir, "status.json");
}

/**
 * Where `edge status` looks (contracts.md): what the agent tells, and what is wrong with its configuration or was with its store. A file that
 * cannot be written, on a full tmpfs, stays as it is, and the log says so once: pods are worth more than it.
 */
export function statusFile(file: string, troubles: () => readonly string[], log: Log) {
  let last: StatusDocument | null = null;
  let isWritable = true;
  const again = (): void => {
    if (last === null) return;
    const notices = [...troubles(), ...(last.notices ?? [])];
    const document: StatusDocument = notices.length === 0 ? last : { ...last, notices };
    try {
      replaceFile(file, `${JSON.stringify(document)}\n`, 0o644, { durable: false });
      isWritable = true;
    } catch (error) {
      if (isWritable) log.write("error", "Status not written", { file, why: (error as Error).message });
      isWritable = false;
    }
  };
  return {
    again,
    publish(document: StatusDocument): void {
      last = document;
      again();
    },
  };
}
