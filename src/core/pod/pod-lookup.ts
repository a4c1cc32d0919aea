import { closest } from "../base/closest.ts";
import type { PodId } from "./spec.ts";

/** Which pod a name on the command line means. */
export type PodLookup =
  | { readonly kind: "found"; readonly pod: PodKey; readonly isExact: boolean }
  /** namespace/name of each that it may mean, sorted. */
  | { readonly kind: "ambiguous"; readonly candidates: readonly string[] }
  /** The name that was probably meant; null if none is close. */
  | { readonly kind: "unknown"; readonly meant: string | null };

type PodKey = Pick<PodId, "namespace" | "name">;

/** A shorter word is close to too many names. */
const shortestTypo = 4;
/** Of an ambiguous name; the rest is counted. */
const mostListed = 10;

/**
 * The pod that a person means by a name, by namespace/name, or by the beginning of either name: the exact one, else the
 * only one that begins so. "pod/" before it is left out, as kubectl writes names; no namespace is called so.
 * @param known pods that are here; one namespace and name may come more than once, with another uid
 */
export function resolvePod(typed: string, known: readonly PodKey[]): PodLookup {
  const text = typed.replace(/^pods?\//, "");
  const pods = [...new Map(known.map(({ namespace, name }) => [`${namespace}/${name}`, { namespace, name }]))];
  const slash = text.indexOf("/");
  const wanted = text.slice(slash + 1);
  const inNamespace = slash < 0 ? pods : pods.filter(([, { namespace }]) => namespace === text.slice(0, slash));
  const exact = inNamespace.filter(([, { name }]) => name === wanted);
  const isExact = exact.length > 0;
  const fitting = isExact ? exact : inNamespace.filter(([, { name }]) => wanted !== "" && name.startsWith(wanted));
  const [only] = fitting;
  if (only === undefined) return { kind: "unknown", meant: wanted === "" ? null : meantBy(text, pods) };
  if (fitting.length === 1) return { kind: "found", pod: only[1], isExact };
  return { kind: "ambiguous", candidates: fitting.map(([key]) => key).sort() };
}

/** The pod of that name in another namespace. Else, only the beginning of a name may have been typed, and mistyped. */
function meantBy(text: string, pods: readonly (readonly [string, PodKey])[]): string | null {
  const elsewhere = pods.find(([key, { name }]) => key !== text && text.endsWith(`/${name}`));
  if (elsewhere !== undefined) return elsewhere[0];
  const names = pods.map(([key, { name }]) => (text.includes("/") ? key : name));
  const whole = closest(text, names);
  if (whole !== null || text.length < shortestTypo) return whole;
  const beginnings = new Map(names.map((name) => [name.slice(0, text.length), name]));
  const beginning = closest(text, [...beginnings.keys()]);
  return beginning === null ? null : (beginnings.get(beginning) ?? null);
}

/** Why a name means no pod, one line each, for people. */
export function lookupProblem(text: string, lookup: Exclude<PodLookup, { readonly kind: "found" }>): readonly string[] {
  if (lookup.kind === "unknown") {
    const { meant } = lookup;
    return [`There is no pod ${text} on this device${meant === null ? "" : `; did you mean ${meant}?`}`];
  }
  const { candidates } = lookup;
  const more = candidates.length - mostListed;
  return [
    `${text} may be any of ${candidates.length} pods; type more of the name:`,
    ...candidates.slice(0, mostListed).map((key) => `  ${key}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}
