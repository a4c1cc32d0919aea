import { jsonProblem } from "../core/base/json-error.ts";

/** A file as JSON text, or why it is none. */
export type Document = { readonly ok: true; readonly json: string } | { readonly ok: false; readonly reason: string };

/** Every document of a file as JSON text, at least one, or why there is none. */
export type Documents =
  | { readonly ok: true; readonly documents: readonly string[] }
  | { readonly ok: false; readonly reason: string };

export const emptyDocument = "empty; expected a Pod";
const severalDocuments = "several YAML documents in one file; put each into a file of its own";

/**
 * Reads the text of a file as JSON, or as YAML if its name ends so. One document a file.
 * @param name of the file, for its ending
 */
export async function readDocument(name: string, text: string): Promise<Document> {
  const read = await readDocuments(name, text);
  if (!read.ok) return read;
  const [json = "", ...more] = read.documents;
  return more.length > 0 ? { ok: false, reason: severalDocuments } : { ok: true, json };
}

/** The same for a file that may have several documents of YAML; empty ones are left out. */
export async function readDocuments(name: string, text: string): Promise<Documents> {
  if (text.trim() === "") return { ok: false, reason: emptyDocument };
  return /\.ya?ml$/.test(name) ? yamlAsJson(text) : asJson(text);
}

function asJson(text: string): Documents {
  try {
    JSON.parse(text);
    return { ok: true, documents: [text] };
  } catch (error) {
    return { ok: false, reason: jsonProblem(text, error) };
  }
}

/** The parser is loaded only for a file that asks for it. */
async function yamlAsJson(text: string): Promise<Documents> {
  const { parseAllDocuments } = await import("yaml");
  try {
    const documents: string[] = [];
    for (const document of parseAllDocuments(text)) {
      const [error] = document.errors;
      if (error !== undefined) throw error;
      const value = document.toJS({ maxAliasCount: 100 }) as unknown;
      if (value != null) documents.push(JSON.stringify(value));
    }
    return documents.length === 0 ? { ok: false, reason: emptyDocument } : { ok: true, documents };
  } catch (error) {
    // Behind the first line stands a picture of the place.
    const [first = ""] = (error as Error).message.split("\n");
    return { ok: false, reason: `not valid YAML: ${first.replace(/:$/, "")}` };
  }
}
