/** What a series of measurements comes down to. */
export type Figures = Readonly<Record<"median" | "p95" | "p99" | "least" | "most" | "n", number>>;

/** Median and percentiles (nearest rank), and how far apart the values lie. */
export function figuresOf(samples: readonly number[]): Figures {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { median: at(0.5), p95: at(0.95), p99: at(0.99), least: at(0), most: at(1), n: sorted.length };
}
