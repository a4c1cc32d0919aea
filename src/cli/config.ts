import { existsSync } from "node:fs";
import { printable } from "../core/base/printable.ts";
import { shownUrl } from "../core/base/shown-url.ts";
import type { Warning } from "../core/base/violation.ts";
import type { Config } from "../core/config/config.ts";
import { linesOf, loadConfig } from "./config-file.ts";
import { exitCodes, type Output } from "./output.ts";

export interface ConfigOptions {
  readonly config?: string;
  readonly json: boolean;
}

/** `edge config`: the configuration as it is in force, every default filled in, secrets hidden. */
export function configCommand(options: ConfigOptions, io: Output): number {
  const loaded = loadConfig(options.config, { strict: false });
  if (!loaded.ok) {
    for (const line of linesOf(loaded)) io.err(line);
    return exitCodes.usage;
  }
  for (const { message } of loaded.warnings) io.err(printable(message));
  io.out(JSON.stringify(withoutSecrets(loaded.config), null, options.json ? undefined : 2));
  return exitCodes.fine;
}

/** `edge config check`: strict, every problem at once; the answer has the shape of `edge validate --json`. */
export function configCheckCommand(options: ConfigOptions, io: Output): number {
  const loaded = loadConfig(options.config, { strict: true });
  const { file } = loaded;
  const warnings = loaded.ok ? [...loaded.warnings, ...missingFiles(loaded.config)] : [];
  const violations = loaded.ok ? [] : loaded.violations;
  if (options.json) io.out(JSON.stringify({ file, accepted: loaded.ok, violations, warnings }));
  else {
    for (const { message } of [...violations, ...warnings]) io.out(printable(message));
    if (loaded.ok)
      io.out(`${file} is valid. A running agent reads its policy at systemctl reload edge, all of it at a restart`);
  }
  return loaded.ok ? exitCodes.fine : exitCodes.usage;
}

/** `edge config schema`: the JSON schema of the configuration, for editors. */
export async function configSchemaCommand(io: Output): Promise<number> {
  const { default: schema } = await import("./config-schema.json", { with: { type: "json" } });
  io.out(JSON.stringify(schema, null, 2));
  return exitCodes.fine;
}

/** They may come later, as certificates do: no mistake of the configuration. */
function missingFiles({ center: { tls, auth, proxyAuth } }: Config): readonly Warning[] {
  const named = {
    "center.tls.ca": tls.ca,
    "center.tls.cert": tls.cert,
    "center.tls.key": tls.key,
    "center.auth.file": auth.file,
    "center.proxyAuth.file": proxyAuth.file,
  };
  return Object.entries(named).flatMap(([path, file]) =>
    file === null || existsSync(file) ? [] : [{ path, message: `${path} is "${file}", and there is no such file yet` }],
  );
}

/** A header's value and an address's query may be a password or a token; that they are there is no secret. */
function withoutSecrets(config: Config): Config {
  const { center } = config;
  const headers = Object.fromEntries(Object.keys(center.headers).map((name) => [name, "(hidden)"]));
  return { ...config, center: { ...center, url: shownUrl(center.url), headers } };
}
