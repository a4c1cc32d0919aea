/**
 * Kubernetes quantities ("250m", "512Mi", "1e3"), exactly: sums and comparisons are done in whole nano-units, because
 * 0.1 + 0.2 cores must fit a limit of 0.3.
 */

const nano = 1_000_000_000n;

/** Suffixes of powers of 1,000 with their exponent of ten, smallest first. */
const decimalSuffixes: readonly (readonly [string, number])[] = [
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
];

/** Suffixes of powers of 1,024, smallest first. */
const binarySuffixes: readonly (readonly [string, bigint])[] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map(
  (suffix, index) => [suffix, 1024n ** BigInt(index + 1)] as const,
);

const shape = /^([+-]?)(\d{0,30})(?:\.(\d{0,30}))?([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,2})?$/;

/** The largest amount Kubernetes knows: 2^63 - 1 units. */
const largest = (2n ** 63n - 1n) * nano;

interface Parsed {
  readonly nanos: bigint;
  readonly format: "decimal" | "binary" | "exponent";
}

/** A quantity in nano-units; null when it is none. JSON numbers count as well. Below a nano-unit it is rounded up. */
export function parseQuantity(value: unknown): bigint | null {
  return parse(value)?.nanos ?? null;
}

/** The same, 0 for what is no quantity. */
export function nanosOf(value: unknown): bigint {
  return parseQuantity(value) ?? 0n;
}

/** A quantity the way Kubernetes writes it: "0.25" becomes "250m", "1024Mi" becomes "1Gi". Null when it is none. */
export function canonicalQuantity(value: unknown): string | null {
  const parsed = parse(value);
  if (parsed === null) return null;
  const { nanos, format } = parsed;
  if (nanos === 0n) return "0";
  const size = nanos < 0n ? -nanos : nanos;
  if (format === "binary" && size >= 1024n * nano && nanos % nano === 0n) return formatBinary(nanos / nano);
  return formatDecimal(nanos, format === "exponent");
}

/** Bytes, or any other whole count, rounded up. Throws on a text that is no quantity: what was accepted always is one. */
export function bytes(text: string): number {
  return Number(divideUp(accepted(text), nano));
}

/** Thousandths of a core, rounded up. Throws on a text that is no quantity: what was accepted always is one. */
export function milliCpu(text: string): number {
  return Number(divideUp(accepted(text), nano / 1000n));
}

function accepted(text: string): bigint {
  const nanos = parseQuantity(text);
  if (nanos === null) throw new RangeError(`Quantity must be a Kubernetes quantity: current value is ${text}`);
  return nanos;
}

function divideUp(value: bigint, by: bigint): bigint {
  return value > 0n ? (value + by - 1n) / by : value / by;
}

/** Text of an amount in nano-units, in powers of 1,000. */
export function formatNanos(nanos: bigint): string {
  return nanos === 0n ? "0" : formatDecimal(nanos, false);
}

/** Text of whole units in powers of 1,024, as memory is written. */
export function formatBinary(units: bigint): string {
  if (units === 0n) return "0";
  let text = `${units}`;
  for (const [suffix, factor] of binarySuffixes) {
    if (units % factor !== 0n) break;
    text = `${units / factor}${suffix}`;
  }
  return text;
}

function formatDecimal(nanos: bigint, asExponent: boolean): string {
  let text = `${nanos}n`;
  for (const [suffix, exponent] of decimalSuffixes) {
    const factor = 10n ** BigInt(exponent + 9);
    if (nanos % factor !== 0n) break;
    const end = !asExponent ? suffix : exponent === 0 ? "" : `e${exponent}`;
    text = `${nanos / factor}${end}`;
  }
  return text;
}

function parse(value: unknown): Parsed | null {
  const text = typeof value === "number" && Number.isFinite(value) ? String(value) : value;
  if (typeof text !== "string" || text.length > 64) return null;
  const match = shape.exec(text);
  if (match === null) return null;
  const [, sign, whole = "", fraction = "", suffix = ""] = match;
  if (whole === "" && fraction === "") return null;
  const digits = BigInt(whole + fraction);
  const binary = binarySuffixes.find(([name]) => name === suffix)?.[1];
  const isExponent = /^[eE][+-]?\d/.test(suffix);
  const exponent = isExponent ? Number(suffix.slice(1)) : (decimalSuffixes.find(([name]) => name === suffix)?.[1] ?? 0);
  const scale = exponent + 9 - fraction.length;
  const multiplied = digits * (binary ?? 1n) * 10n ** BigInt(Math.max(scale, 0));
  const divisor = 10n ** BigInt(Math.max(-scale, 0));
  const size = (multiplied + divisor - 1n) / divisor;
  if (size > largest) return null;
  const format = binary !== undefined ? "binary" : isExponent ? "exponent" : "decimal";
  return { nanos: sign === "-" ? -size : size, format };
}
