// `npm run docs` writes the JSON schema of edge.config.json, which `edge config schema` prints.
import { writeFileSync } from "node:fs";
import { toJsonSchema } from "@valibot/to-json-schema";
import { configSchema } from "../src/core/config/config-schema.ts";

export const schemaFile = "src/cli/config-schema.json";

/**
 * The JSON schema as the configuration's own schema gives it. What is checked by code (addresses, quantities, names of
 * capabilities) is left to `edge config check`.
 */
export function configJsonSchema(): object {
  // An object stands there as two schemas in a row, of which the last names its keys: that is what "output" takes.
  const schema = toJsonSchema(configSchema, { typeMode: "output", errorMode: "ignore" });
  return { title: "edge.config.json", ...schema };
}

/** Writes the file. */
export function writeConfigSchema(): void {
  writeFileSync(schemaFile, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
}
