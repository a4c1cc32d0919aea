import type { StatusDocument } from "../core/status-document.ts";
import { modifiedAt } from "./config-file.ts";

/** Whether the configuration file is another one now than when the running agent read it; false where it cannot be seen. */
export function isConfigUnread({ agent: { configRead } }: StatusDocument): boolean {
  if (configRead === undefined) return false;
  const now = modifiedAt(configRead.file);
  return now !== null && now !== configRead.modifiedAt;
}
