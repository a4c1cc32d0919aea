import { readFileSync } from "node:fs";

/** Put in by the build; running from source there is no such name. */
declare const builtVersion: string | undefined;

/** The version of this program. */
export const version = typeof builtVersion === "undefined" ? versionFromSource() : builtVersion;

function versionFromSource(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return (manifest as { version: string }).version;
}
