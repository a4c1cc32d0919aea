const form = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]{1,2})?$/;
const decimalExponents: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryPowers: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };
const nanoPerUnit = 1_000_000_000n;
const longestText = 64;

/**
 * A Kubernetes quantity ("250m", "512Mi", "1e3", "0.5") in billionths, finer parts rounded up as Kubernetes does
 * (apimachinery/pkg/api/resource). Null when the text is none.
 */
export function parseQuantity(text: string): bigint | null {
  const found = text.length <= longestText ? form.exec(text) : null;
  if (found === null) return null;
  const [, sign = "", whole = "", fraction = "", suffix = ""] = found;
  if (whole === "" && fraction === "") return null;
  const power = binaryPowers[suffix];
  const exponent = (power === undefined ? decimalExponent(suffix) : 0) + 9 - fraction.length;
  const digits = BigInt(whole + fraction) * (1n << (power ?? 0n));
  const nano = exponent >= 0 ? digits * 10n ** BigInt(exponent) : divideUp(digits, 10n ** BigInt(-exponent));
  return sign === "-" ? -nano : nano;
}

/** Thousandths of a core, rounded up. Throws on a text that is no quantity: what was accepted always is one. */
export function milliCpu(text: string): number {
  return Number(divideUp(accepted(text), nanoPerUnit / 1000n));
}

/** Bytes, or any other whole count, rounded up. Throws on a text that is no quantity: what was accepted always is one. */
export function bytes(text: string): number {
  return Number(divideUp(accepted(text), nanoPerUnit));
}

function accepted(text: string): bigint {
  const nano = parseQuantity(text);
  if (nano === null) throw new RangeError(`Quantity must be a Kubernetes quantity: current value is ${text}`);
  return nano;
}

function decimalExponent(suffix: string): number {
  const named = decimalExponents[suffix];
  if (named !== undefined) return named;
  return suffix === "" ? 0 : Number(suffix.slice(1));
}

function divideUp(value: bigint, by: bigint): bigint {
  return value > 0n ? (value + by - 1n) / by : value / by;
}
