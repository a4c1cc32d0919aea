import { isObject } from "../core/base/json-keys.ts";
import { readDocuments } from "../linux/pod-document.ts";
import { type InputFile, readInputs } from "./input-file.ts";

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
  for (const input of await readInputs(paths)) pods.push(...(await podsOf(input)));
  return pods;
}

/** Each document of a text by what it is called on the screen. */
export function documentNames(file: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => (count === 1 ? file : `${file}, document ${index + 1}`));
}

async function podsOf(input: InputFile): Promise<readonly PodText[]> {
  if (!input.ok) return [input];
  const { subject } = input;
  const read = await readDocuments(input.name, input.text);
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
