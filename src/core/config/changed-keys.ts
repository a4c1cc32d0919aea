import { isObject } from "../base/json-keys.ts";
import type { Config } from "./config.ts";

/** The key of what SIGHUP takes over: `policy` and `log`. Everything else waits for the next start. */
const atOnce = /^(policy|log)\./;
/** Its keys are chosen by the owner, and their values may be passwords: it is told as one. */
const headers = "center.headers";

export interface ChangedKeys {
  /** Keys that a reload takes over, as `policy.hostPaths`. */
  readonly atOnce: readonly string[];
  /** Keys that the next start takes over, as `center.url`. */
  readonly atNextStart: readonly string[];
}

/** The keys whose values differ between two configurations, each with its whole path; no value is told. */
export function changedKeys(before: Config, after: Config): ChangedKeys {
  const former = leavesOf("", before);
  const changed = [...leavesOf("", after)].filter(([key, value]) => former.get(key) !== value).map(([key]) => key);
  return {
    atOnce: changed.filter((key) => atOnce.test(key)),
    atNextStart: changed.filter((key) => !atOnce.test(key)),
  };
}

/** The JSON of each value by its path. Both configurations have every default filled in, so they have the same paths. */
function leavesOf(path: string, value: unknown): ReadonlyMap<string, string> {
  if (!isObject(value) || path === headers) return new Map([[path, JSON.stringify(value)]]);
  const below = Object.entries(value).map(([key, inner]) => leavesOf(path === "" ? key : `${path}.${key}`, inner));
  return new Map(below.flatMap((leaves) => [...leaves]));
}
