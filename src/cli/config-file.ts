import { existsSync, readFileSync } from "node:fs";
import type { Violation, Warning } from "../core/admission/verdict.ts";
import { type Config, parseConfig } from "../core/config.ts";

const places = ["edge.config.json", "/etc/edge/edge.config.json"] as const;

export type LoadedConfig =
  | { readonly ok: true; readonly file: string; readonly config: Config; readonly warnings: readonly Warning[] }
  | {
      readonly ok: false;
      readonly file: string | null;
      readonly raw: unknown;
      readonly violations: readonly Violation[];
    };

/**
 * Reads and judges the configuration file: the one that is named, else the first that is there (contracts.md).
 * @param options.strict an unknown key is an error, not a warning
 */
export function loadConfig(named: string | undefined, options: { readonly strict: boolean }): LoadedConfig {
  const file = named ?? places.find((place) => existsSync(place));
  if (file === undefined) {
    return broken(
      null,
      undefined,
      `No configuration: name one with --config FILE, or make ${places.join(" or ")}`,
      null,
    );
  }
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    return broken(file, undefined, `${file} cannot be read: ${(error as Error).message}`, file);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    return broken(file, undefined, `${file} is no JSON: ${(error as Error).message}`, null);
  }
  const parsed = parseConfig(raw, options);
  return parsed.ok ? { ...parsed, file } : { ok: false, file, raw, violations: parsed.violations };
}

function broken(file: string | null, raw: unknown, message: string, value: unknown): LoadedConfig {
  return { ok: false, file, raw, violations: [{ path: "", rule: "config.file", message, value }] };
}
