import { type Figures, figuresOf } from "./figures.ts";

/** One row of the published table: what we do, beside what nobody can do without, or what others do. */
export interface Row {
  readonly what: string;
  readonly beside: string;
  /** Ours by theirs; null where there is nothing to compare. */
  readonly ratio: number | null;
  readonly ours: Figures;
  readonly theirs: Figures | null;
  readonly unit: "ms" | "MiB" | "%" | "MB a day";
  readonly target: string;
  /** Null for a row without a target. */
  readonly isMet: boolean | null;
}

/** How a row is judged: by its ratio, or by its own figures. */
export interface Target {
  readonly words: string;
  readonly isMet: (row: {
    readonly ratio: number | null;
    readonly ours: Figures;
    readonly theirs: Figures | null;
  }) => boolean;
}

export function rowOf(
  what: string,
  ours: readonly number[],
  {
    beside,
    theirs,
    unit,
    target,
  }: {
    readonly beside: string;
    readonly theirs: readonly number[] | null;
    readonly unit: Row["unit"];
    readonly target: Target | null;
  },
): Row {
  const own = figuresOf(ours);
  const other = theirs === null ? null : figuresOf(theirs);
  const judged = { ratio: other === null ? null : own.median / other.median, ours: own, theirs: other };
  const isMet = target === null ? null : target.isMet(judged);
  return { what, beside, unit, target: target?.words ?? "", isMet, ...judged };
}

export const tableHead = ["what", "beside", "ratio", "ours: median (p95, least to most)", "theirs", "target", "met"];

export function tableRow({ what, beside, ratio, ours, theirs, unit, target, isMet }: Row): readonly string[] {
  const digits = unit === "ms" ? 0 : 1;
  const told = ({ median, p95, least, most, n }: Figures): string =>
    n === 1
      ? `${median.toFixed(digits)} ${unit}`
      : `${median.toFixed(digits)} (${p95.toFixed(digits)}, ${least.toFixed(digits)} to ${most.toFixed(digits)}) ${unit}`;
  return [
    what,
    beside,
    ratio === null ? "" : `${ratio.toFixed(2)} ×`,
    told(ours),
    theirs === null ? "" : told(theirs),
    target,
    isMet === null ? "" : isMet ? "yes" : "no",
  ];
}

export const atMost = (ratio: number): Target => ({
  words: `≤ ${ratio} ×`,
  isMet: (row) => row.ratio !== null && row.ratio <= ratio,
});
