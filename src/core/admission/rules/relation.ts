import type { AdmissionContext } from "../context.ts";
import type { ContainerDraft, PodDraft } from "../draft.ts";
import type { Detail, Path } from "../findings.ts";

/** Tells of something that breaks the rule; `detail` says more than the row's expectation does. */
export type Report = (path: Path, value: unknown, detail?: Detail) => void;

/** A row for what lies between fields, or between a pod and its device. */
export interface Relation {
  readonly id: string;
  /** Where it looks, as in {@link FieldRule.path}. */
  readonly path: string;
  readonly expectation: string;
  readonly source: string;
  check(pod: PodDraft, context: AdmissionContext, report: Report): void;
}

/** Calls `visit` for every container of the pod with its path. */
export function eachContainer(pod: PodDraft, visit: (container: ContainerDraft, path: Path) => void): void {
  pod.spec?.containers?.forEach((container, index) => {
    visit(container, ["spec", "containers", index]);
  });
}

/** Tells of every item whose key another one before it had. An undefined key is nobody's. */
export function tellRepeated<T>(
  items: readonly T[],
  keyOf: (item: T) => string | undefined,
  report: (index: number, item: T) => void,
): void {
  const seen = new Set<string>();
  items.forEach((item, index) => {
    const key = keyOf(item);
    if (key === undefined) return;
    if (seen.has(key)) report(index, item);
    seen.add(key);
  });
}
