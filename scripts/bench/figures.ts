/** What a series of measurements comes down to. */
export type Figures = { readonly median: number; readonly p95: number; readonly n: number };

/** Median and 95th percentile (nearest rank). */
export function figuresOf(samples: readonly number[]): Figures {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { median: at(0.5), p95: at(0.95), n: sorted.length };
}
