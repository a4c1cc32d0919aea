import { readFileSync } from "node:fs";
import { getSystemErrorMessage } from "node:util";
import { type Document, readDocument } from "../linux/pod-document.ts";

/** What a file is called on the screen. */
export function shownName(file: string): string {
  return file === "-" ? "standard input" : file;
}

/** The Pod of a file as JSON text. `-` is standard input: JSON if it begins as JSON does, else YAML. */
export async function readPod(file: string): Promise<Document> {
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    return { ok: false, reason: getSystemErrorMessage((error as NodeJS.ErrnoException).errno ?? 0) };
  }
  const isYaml = file === "-" ? !text.trimStart().startsWith("{") : /\.ya?ml$/.test(file);
  return readDocument(isYaml ? "pod.yaml" : "pod.json", text);
}
