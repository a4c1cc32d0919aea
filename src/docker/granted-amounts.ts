/**
 * What a container's resources grant at most, in the engine's units: for the gate, which reads quantities in its own way
 * and shares nothing with the translation.
 */
interface Resources {
  readonly limits: Readonly<Record<string, string>>;
  readonly requests: Readonly<Record<string, string>>;
}

/** Docker takes no less memory than 6 MiB. */
const leastMemory = 6 * 1024 * 1024;
/** Microseconds of processor time in each 100,000: the kernel takes no less. */
const leastQuota = 1_000;
/** Kernel: MIN_SHARES and MAX_SHARES. */
const leastShares = 2;
const mostSharesEver = 262_144;

const factors: ReadonlyMap<string, number> = new Map([
  ["n", 1e-9],
  ["u", 1e-6],
  ["m", 1e-3],
  ["", 1],
  ["k", 1e3],
  ["M", 1e6],
  ["G", 1e9],
  ["T", 1e12],
  ["P", 1e15],
  ["E", 1e18],
  ["Ki", 2 ** 10],
  ["Mi", 2 ** 20],
  ["Gi", 2 ** 30],
  ["Ti", 2 ** 40],
  ["Pi", 2 ** 50],
  ["Ei", 2 ** 60],
]);

/** Bytes. */
export function mostMemory({ limits }: Resources): number {
  return Math.max(leastMemory, Math.ceil(amountOf(limits["memory"])));
}

/** Microseconds of processor time in each 100,000. */
export function mostQuota({ limits }: Resources): number {
  // A thousandth of a core is the smallest part: less is rounded up to it.
  return Math.max(leastQuota, Math.ceil(amountOf(limits["cpu"]) * 1_000) * 100);
}

/** Of 1,024 a core. */
export function mostShares({ limits, requests }: Resources): number {
  const cores = Math.ceil(Math.max(amountOf(requests["cpu"]), requests["cpu"] ? 0 : amountOf(limits["cpu"])) * 1_000);
  return Math.min(mostSharesEver, Math.max(leastShares, (cores * 1_024) / 1_000));
}

/** A Kubernetes quantity as a number, 0 for none. */
function amountOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const exponent = Number(text);
  if (Number.isFinite(exponent)) return exponent;
  const [, digits = "", suffix = ""] = /^([0-9.]{1,64})([A-Za-z]{1,2})$/.exec(text) ?? [];
  return Number(digits) * (factors.get(suffix) ?? 0);
}
