import { ownValue } from "../../core/base/own-value.ts";
import type { PodHistory } from "../../core/pod/container-history.ts";
import type { ObservedContainer } from "../../core/pod/observed.ts";
import { isOnRecord } from "../../core/pod/record.ts";
import type { PodSpec } from "../../core/pod/spec.ts";
import { messageBytes } from "../../core/pod/termination-message.ts";
import type { PodFiles } from "../../ports/pod-files.ts";

/** What was seen, and with each container whose end is not on record yet the last words that it left. */
export function withLastWords(
  { terminationLogs }: PodFiles,
  spec: PodSpec | undefined,
  observed: readonly ObservedContainer[],
  history: PodHistory,
): readonly ObservedContainer[] {
  if (spec === undefined) return observed;
  return observed.map((candidate) => {
    if (candidate.state.kind !== "exited" || isOnRecord(candidate, ownValue(history, candidate.container)))
      return candidate;
    const { container, attempt } = candidate;
    const lastWords = terminationLogs.read({ uid: candidate.pod.uid, container, attempt }, messageBytes(spec));
    return lastWords === "" ? candidate : { ...candidate, state: { ...candidate.state, lastWords } };
  });
}
