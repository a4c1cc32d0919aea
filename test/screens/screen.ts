import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { statusPage } from "../../src/cli/status-page.ts";
import { wrap } from "../../src/cli/text.ts";
import { formatTime } from "../../src/core/pod/time.ts";
import type { PodRow, StatusDocument } from "../../src/core/status-document.ts";

const columns = 80;
const label = "To do      ";

/** The whole page of `edge status`, and what `edge pod` says is to be done about the pods on it. */
export function deviceScreen(document: StatusDocument, nowWall: number): string {
  const page = statusPage(document, nowWall, { columns }).map(stripVTControlCharacters);
  return [...page, ...document.pods.flatMap(todoLines)].join("\n");
}

/** The part of the page that shows one pod, and what `edge pod` says is to be done about it. */
export function podScreen(document: StatusDocument, name: string, nowWall: number): string {
  const pods = document.pods.filter((pod) => pod.name === name);
  const screen = deviceScreen({ ...document, pods }, nowWall);
  return screen.slice(screen.indexOf("\n\n") + 2);
}

function todoLines({ name, todo }: PodRow): readonly string[] {
  if (todo === undefined) return [];
  const lines = wrap(todo, columns - label.length);
  return [
    "",
    `$ edge pod ${name}`,
    ...lines.map((line, at) => `${at === 0 ? label : " ".repeat(label.length)}${line}`),
  ];
}

/** A screen is as its golden file in this folder, and fits 80 columns. UPDATE_GOLDEN=1 writes the file. */
export function assertScreen(name: string, screen: string): void {
  const text = `${screen}\n`;
  for (const line of text.split("\n")) assert.ok(line.length <= columns, line);
  const file = new URL(`${name}.txt`, import.meta.url);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  assert.equal(text, readFileSync(file, "utf8"));
}

/** Of a steady document: when everything in it happened. */
const happened = "2026-11-22T12:00:00Z";
/** What is still to come, as the end of a certificate. */
const later = "2027-11-22T12:00:00Z";
const dayMs = 86_400_000;
/** When the screen of a steady document is looked at. */
export const lookedAt = Date.parse(happened) + 60_000;

/**
 * What differs from run to run is the same in each: times, addresses, ids, versions, how often a container was restarted,
 * and what waits to be acknowledged.
 * What only this machine has to say is left out.
 * @param names what else differs, and what stands for it
 */
export function steady(document: StatusDocument, names: Readonly<Record<string, string>> = {}): StatusDocument {
  const named = Object.entries(names).reduce(
    (text, [now, always]) => text.replaceAll(now, always),
    JSON.stringify(document),
  );
  const text = named
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, (time) => (Date.parse(time) > Date.now() + dayMs ? later : happened))
    .replace(/\b\d\d:\d\d:\d\dZ/g, happened.slice(11))
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:5000")
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b/g, (id) => "0123456789abcdef".repeat(4).slice(0, id.length));
  const steadied = JSON.parse(text) as StatusDocument;
  const { node, engine, outbox, notices = [] } = steadied;
  return {
    ...steadied,
    node: { ...node, conditions: [] },
    outbox: { ...outbox, pending: 0, bytes: 0 },
    notices: notices.filter((notice) => !notice.startsWith("The kernel does not let the engine")),
    engine: { ...engine, version: engine.version === null ? null : "20.10.24" },
    pods: steadied.pods.map((pod) => ({
      ...pod,
      restarts: Math.min(pod.restarts, 1),
      ...(pod.nextTry === undefined ? {} : { nextTry: formatTime(lookedAt + 40_000) }),
    })),
  };
}
