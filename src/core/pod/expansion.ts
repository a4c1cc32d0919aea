import type { EnvVar } from "./spec.ts";

/** Names of variables are far shorter: what is longer is no reference, and stays as it is written. */
const reference = /\$(?:\$|\(([^()]{0,63})\))/g;

/**
 * Kubernetes' `$(NAME)` in commands, arguments and environment values (third_party/forked/golang/expansion): a known name
 * becomes its value, an unknown one stays as it is written, and `$$` is a plain `$`.
 */
export function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(reference, (whole, name: string | undefined) =>
    name === undefined ? "$" : (values.get(name) ?? whole),
  );
}

/** The environment with its references to earlier variables expanded; of two with one name the later one counts. */
export function expandedEnv(env: readonly EnvVar[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const { name, value } of env) values.set(name, expand(value, values));
  return values;
}
