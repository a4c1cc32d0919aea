/**
 * Kubernetes quantities ("250m", "512Mi", "1e3"), exactly: sums and comparisons are done in whole nano-units, because
 * 0.1 + 0.2 cores must fit a limit of 0.3.
 */

const nano = 1_000_000_000n;

interface Unit {
  readonly suffix: string;
  /** Of one. */
  readonly nanos: bigint;
  readonly format: "decimal" | "binary" | "exponent";
}

/** Powers of 1,000, smallest first. */
const decimalUnits: readonly Unit[] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].map((suffix, index) => ({
  suffix,
  nanos: 1000n ** BigInt(index),
  format: "decimal",
}));

/** Powers of 1,024, smallest first. */
const binaryUnits: readonly Unit[] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((suffix, index) => ({
  suffix,
  nanos: nano * 1024n ** BigInt(index + 1),
  format: "binary",
}));

const units: ReadonlyMap<string, Unit> = new Map([...decimalUnits, ...binaryUnits].map((unit) => [unit.suffix, unit]));

const shape = /^([+-]?)(\d{0,30})(?:\.(\d{0,30}))?([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,2})?$/;

/** The largest amount Kubernetes knows: 2^63 - 1 units. */
const largest = (2n ** 63n - 1n) * nano;

type Parsed = Pick<Unit, "nanos" | "format">;

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
  const nanos = units * nano;
  const unit = largestUnit(nanos, binaryUnits);
  return unit === undefined ? `${units}` : `${nanos / unit.nanos}${unit.suffix}`;
}

function formatDecimal(nanos: bigint, asExponent: boolean): string {
  const unit = largestUnit(nanos, decimalUnits);
  if (unit === undefined) return `${nanos}n`;
  const exponent = decimalUnits.indexOf(unit) * 3 - 9;
  const end = !asExponent ? unit.suffix : exponent === 0 ? "" : `e${exponent}`;
  return `${nanos / unit.nanos}${end}`;
}

/** The largest unit of which an amount is a whole number. */
function largestUnit(nanos: bigint, from: readonly Unit[]): Unit | undefined {
  let largest: Unit | undefined;
  for (const unit of from) {
    if (nanos % unit.nanos !== 0n) break;
    largest = unit;
  }
  return largest;
}

function parse(value: unknown): Parsed | null {
  const text = typeof value === "number" && Number.isFinite(value) ? String(value) : value;
  if (typeof text !== "string" || text.length > 64) return null;
  const match = shape.exec(text);
  if (match === null) return null;
  const whole = match[2] ?? "";
  const fraction = match[3] ?? "";
  const suffix = match[4] ?? "";
  if (whole === "" && fraction === "") return null;
  const unit = units.get(suffix);
  // Of a power of ten such as "e3", counted in nano-units.
  const exponent = unit === undefined ? Number(suffix.slice(1)) + 9 : 0;
  const multiplied = BigInt(whole + fraction) * (unit?.nanos ?? 10n ** BigInt(Math.max(exponent, 0)));
  const places = fraction.length + Math.max(-exponent, 0);
  const size = places === 0 ? multiplied : divideUp(multiplied, 10n ** BigInt(places));
  if (size > largest) return null;
  return { nanos: match[1] === "-" ? -size : size, format: unit?.format ?? "exponent" };
}
