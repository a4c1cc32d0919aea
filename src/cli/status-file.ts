import { join } from "node:path";
import type { ConfigRead, StatusDocument } from "../core/status-document.ts";
import { replaceFile } from "../linux/files.ts";
import type { Log } from "../ports/log.ts";

/** The file that the agent writes for `edge status` and the commands beside it. */
export function statusPath(runDir: string): string {
  return join(runDir, "status.json");
}

/** What the process tells beside its agent. */
export interface SaidOfProcess {
  /** What is wrong with its configuration or was with its store, in sentences. */
  readonly notices: () => readonly string[];
  readonly configRead: () => ConfigRead | null;
}

/**
 * Where `edge status` looks (contracts.md): what the agent tells, and what the process tells beside it. A file that
 * cannot be written, on a full tmpfs, stays as it is, and the log says so once: pods are worth more than it.
 */
export function statusFile(file: string, said: SaidOfProcess, log: Log) {
  let last: StatusDocument | null = null;
  let isWritable = true;
  const again = (): void => {
    if (last === null) return;
    const notices = [...said.notices(), ...(last.notices ?? [])];
    const configRead = said.configRead();
    const agent = configRead === null ? last.agent : { ...last.agent, configRead };
    const document: StatusDocument = notices.length === 0 ? { ...last, agent } : { ...last, agent, notices };
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
