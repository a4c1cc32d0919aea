import { jsonProblem } from "../core/base/json-error.ts";

/** A file as JSON text, or why it is none. */
export type Document = { readonly ok: true; readonly json: string } | { readonly ok: false; readonly reason: string };

export const emptyDocument = "empty; expected a Pod";

/**
 * Reads the text of a file as JSON, or as YAML if its name ends so. One document a file.
 * @param name of the file, for its ending
 */
export async function readDocument(name: string, text: string): Promise<Document> {
  if (text.trim() === "") return { ok: false, reason: emptyDocument };
  return /\.ya?ml$/.test(name) ? yamlAsJson(text) : asJson(text);
}

function asJson(text: string): Document {
  try {
    JSON.parse(text);
    return { ok: true, json: text };
  } catch (error) {
    return { ok: false, reason: jsonProblem(text, error) };
  }
}

/** The parser is loaded only for a file that asks for it. */
async function yamlAsJson(text: string): Promise<Document> {
  const { parse } = await import("yaml");
  try {
    const value = parse(text, { maxAliasCount: 100 }) as unknown;
    return value == null ? { ok: false, reason: emptyDocument } : { ok: true, json: JSON.stringify(value) };
  } catch (error) {
    if ((error as { readonly code?: string }).code === "MULTIPLE_DOCS")
      return { ok: false, reason: "several YAML documents in one file; put each into a file of its own" };
    // Behind the first line stands a picture of the place.
    const [first = ""] = (error as Error).message.split("\n");
    return { ok: false, reason: `not valid YAML: ${first.replace(/:$/, "")}` };
  }
}
