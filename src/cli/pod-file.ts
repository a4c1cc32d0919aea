import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { getSystemErrorMessage } from "node:util";
import { isObject } from "../core/base/json-keys.ts";
import { isPodFileName } from "../linux/factory-files.ts";
import { readDocuments } from "../linux/pod-document.ts";

/** A Pod of a file as JSON text, or why there is none. */
export type PodText = {
  /** What it is called on the screen: the file, and which document of it if it has several. */
  readonly subject: string;
} & ({ readonly ok: true; readonly json: string } | { readonly ok: false; readonly reason: string });

/**
 * The Pods of files, in their order: each document of a file, and each item of a List. A folder stands for its files of pods,
 * `-` for standard input: JSON if it begins as JSON does, else YAML.
 */
export async function readPods(paths: readonly string[]): Promise<readonly PodText[]> {
  const pods: PodText[] = [];
  for (const path of paths) {
    const files = filesOf(path);
    if (files.length === 0) pods.push({ subject: path, ok: false, reason: noFiles });
    for (const file of files) pods.push(...(await podsOf(file)));
  }
  return pods;
}

export const noFiles = "no file in this folder ends in .yaml, .yml or .json";

/** The files of pods in a folder, by name; of anything else, itself. Folders in it are left out. */
export function filesOf(path: string): readonly string[] {
  try {
    if (path === "-" || !statSync(path).isDirectory()) return [path];
    const entries = readdirSync(path, { withFileTypes: true });
    const names = entries.filter((entry) => !entry.isDirectory() && isPodFileName(entry.name)).map(({ name }) => name);
    return names.sort().map((name) => join(path, name));
  } catch {
    // Reading it as a file says why.
    return [path];
  }
}

/** Each document of a text by what it is called on the screen. */
export function documentNames(file: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => (count === 1 ? file : `${file}, document ${index + 1}`));
}

async function podsOf(file: string): Promise<readonly PodText[]> {
  const subject = file === "-" ? "standard input" : file;
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    return [{ subject, ok: false, reason: getSystemErrorMessage((error as NodeJS.ErrnoException).errno ?? 0) }];
  }
  const isYaml = file === "-" ? !text.trimStart().startsWith("{") : /\.ya?ml$/.test(file);
  const read = await readDocuments(isYaml ? "pod.yaml" : "pod.json", text);
  if (!read.ok) return [{ subject, ok: false, reason: read.reason }];
  const all = read.documents.flatMap(itemsOf);
  const names = documentNames(subject, all.length);
  return all.map((json, index) => ({ subject: names[index] ?? subject, ok: true, json }));
}

/** What `kubectl get -o json` and `edge get pods -o json` print for several pods is one List. */
function itemsOf(json: string): readonly string[] {
  const value = JSON.parse(json) as unknown;
  if (!isObject(value) || !("kind" in value) || value.kind !== "List") return [json];
  return "items" in value && Array.isArray(value.items) ? value.items.map((item) => JSON.stringify(item)) : [json];
}
