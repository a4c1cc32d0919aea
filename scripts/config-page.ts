// The keys of edge.config.json in docs/configuration.md, between two markers, from the schema of the configuration.
import { readFileSync, writeFileSync } from "node:fs";
import { configJsonSchema } from "./config-schema.ts";
import { table } from "./table.ts";

const file = "docs/configuration.md";
const start = "<!-- keys: written by npm run docs -->";
const end = "<!-- end of keys -->";

/** The members of JSON Schema that the schema of the configuration uses. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** The text with every key between its markers; throws if they are missing. */
export function withKeys(text: string): string {
  const [before, rest] = [text.indexOf(start), text.indexOf(end)];
  if (before < 0 || rest < before) throw new Error(`No ${start} … ${end} to write between`);
  const rows = rowsOf(configJsonSchema() as Schema, "");
  return `${text.slice(0, before + start.length)}\n\n${table(["key", "default", "meaning"], rows)}\n\n${text.slice(rest)}`;
}

/** A row for each key that has a meaning; reserved keys have none. */
function rowsOf(schema: Schema, path: string): readonly (readonly string[])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const here = path === "" ? key : `${path}.${key}`;
    if (value.properties !== undefined) return rowsOf(value, here);
    const inner = value.anyOf?.find(({ description }) => description !== undefined) ?? value;
    if (inner.description === undefined) return [];
    const standard = schema.required?.includes(key) === true ? "required" : `\`${JSON.stringify(value.default)}\``;
    return [[`\`${here}\``, standard, `${inner.description}${valuesOf(inner)}`]];
  });
}

function valuesOf({ enum: words, minimum, maximum }: Schema): string {
  if (words !== undefined) return ` One of ${words.map((word) => `\`${word}\``).join(", ")}.`;
  return minimum === undefined ? "" : ` From ${minimum} to ${maximum}.`;
}

/** Writes the page. */
export function writeConfigPage(): void {
  writeFileSync(file, withKeys(readFileSync(file, "utf8")));
}
