import type { PodRow } from "../core/status-document.ts";
import { usualColumns } from "./output.ts";
import { age, cutMiddle } from "./text.ts";

/** A column behind those that kubectl prints for a pod. */
export interface Column {
  readonly title: string;
  cell(pod: PodRow): string;
}

export interface TableOptions {
  readonly nowWall: number;
  /** Names are cut in the middle so that no line is wider; Infinity: names in full. */
  readonly columns: number;
  readonly extra?: readonly Column[];
}

/** A name that is longer must not move the other columns of every row; a terminal wider than 80 columns takes a longer one. */
const longestName = 32;
/** The same where nothing is cut. */
const longestAlignedName = 48;

const nameTitle = "NAME";

/** The table of pods as `kubectl get pods` prints it: its head, and one line for each pod in the order given. */
export function podTable(
  pods: readonly PodRow[],
  { nowWall, columns, extra = [] }: TableOptions,
): { readonly head: string; readonly lines: readonly string[] } {
  const all = [...usual(nowWall), ...extra];
  const cells = pods.map((pod) => all.map((column) => column.cell(pod)));
  const widths = all.map(({ title }, index) => Math.max(title.length, ...cells.map((row) => row[index]?.length ?? 0)));
  const isCut = Number.isFinite(columns);
  const left = columns - widths.reduce((sum, width) => sum + width + 2, 0);
  const most = isCut ? Math.max(8, Math.min(longestName + columns - usualColumns, left)) : longestAlignedName;
  const lengths = pods.map(({ name }) => name.length);
  const nameWidth = Math.max(
    nameTitle.length,
    ...lengths.filter((length) => length <= most),
    ...(isCut ? lengths.map((length) => Math.min(length, most)) : []),
  );
  const line = (name: string, row: readonly string[]): string =>
    [name.padEnd(nameWidth), ...row.map((cell, index) => cell.padEnd(widths[index] ?? 0))].join("  ").trimEnd();
  const titles = all.map(({ title }) => title);
  return {
    head: line(nameTitle, titles),
    lines: pods.map(({ name }, index) => line(isCut ? cutMiddle(name, nameWidth) : name, cells[index] ?? [])),
  };
}

function usual(nowWall: number): readonly Column[] {
  return [
    { title: "READY", cell: ({ ready }) => ready },
    { title: "STATUS", cell: ({ status }) => status },
    { title: "RESTARTS", cell: (pod) => restarts(pod, nowWall) },
    { title: "AGE", cell: ({ startTime }) => (startTime === null ? "-" : age(startTime, nowWall)) },
  ];
}

function restarts({ restarts: count, lastRestart }: PodRow, nowWall: number): string {
  return lastRestart === undefined ? String(count) : `${count} (${age(lastRestart, nowWall)} ago)`;
}
