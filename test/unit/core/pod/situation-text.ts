import type { ContainerHistory, Moment } from "../../../../src/core/pod/container-history.ts";
import type { TerminatingPod } from "../../../../src/core/pod/desired.ts";
import type { ObservedContainer } from "../../../../src/core/pod/observed.ts";
import type { Situation } from "../../../../src/core/pod/situation.ts";
import type { AcceptedPod } from "../../../../src/core/pod/spec.ts";
import { now } from "../../../samples/pods.ts";

/** What is wanted, what is there and what is known, as a reader needs it to judge the plan below it. */
export function situationText(situation: Partial<Situation>): string {
  const { desired = null, terminating = [], observed = [], history = {}, images = {}, probes = {} } = situation;
  const at = situation.now ?? now;
  const since = (mono: number): string => `${Math.round((at.mono - mono) / 1000)} s ago`;
  const lines = [
    desired === null ? "wanted: nothing" : `wanted: ${podText(desired.pod)}, since ${desired.request}`,
    ...terminating.map((one) => `going: ${leavingText(one)}, told ${since(one.since.mono)}`),
    ...(observed.length === 0 ? ["there: no container"] : observed.map((one) => `there: ${containerText(one)}`)),
    ...Object.entries(history).flatMap(([name, one]) =>
      historyText(one, at.bootId, since).map((is) => `known: ${name} ${is}`),
    ),
    ...Object.entries(images).map(
      ([name, id]) => `known: the image of ${name} is ${id === null ? "not here" : "here"}`,
    ),
    ...Object.values(probes).map(({ why }) => `known: ${why}`),
    ...(situation.startsHeld == null ? [] : [`known: ${situation.startsHeld.message}`]),
    ...(situation.npus?.missing == null ? [] : [`known: ${situation.npus.missing} is not there`]),
    ...(situation.now === undefined ? [] : [`clock: ${new Date(at.wall).toISOString()}, boot ${at.bootId}`]),
  ];
  return lines.join("\n");
}

function podText({ id, spec }: AcceptedPod): string {
  const containers = spec.containers.map((one) => {
    const npus = one.resources.limits["npu"];
    const extra = npus === undefined ? "" : ` with ${npus} NPU`;
    return `${one.name} from ${one.image} (${one.imagePullPolicy})${extra}`;
  });
  return `pod ${id.name} ${id.uid}, restart ${spec.restartPolicy}: ${containers.join(" and ")}`;
}

function leavingText({ id, kind, graceSeconds }: TerminatingPod): string {
  const uid = id.uid === "" ? "of any uid" : id.uid;
  return kind === "deleted"
    ? `pod ${id.name} ${uid}, deleted within ${graceSeconds} s`
    : `pod ${id.name} ${uid}, until another takes its name`;
}

function containerText({ container, pod, attempt, state, generation }: ObservedContainer): string {
  const is = { created: "is made", running: "runs", unknown: "is unknown", exited: "has ended" }[state.kind];
  const code = state.kind === "exited" ? ` with ${state.exitCode}${state.oomKilled ? ", out of memory" : ""}` : "";
  return `${container} of ${pod.uid}, attempt ${attempt}${generation > 0 ? `, restart ${generation}` : ""}, ${is}${code}`;
}

function historyText(one: ContainerHistory, bootId: string, since: (mono: number) => string): readonly string[] {
  const { failure, termination, diedAt, backoffLevel, pinnedImage } = one;
  const times = (count: number): string => (count === 1 ? "once" : `${count} times in a row`);
  const when = (moment: Moment): string => (moment.bootId === bootId ? since(moment.mono) : "before the last boot");
  const lines: string[] = [];
  if (termination !== null && diedAt !== null) {
    const restarted = backoffLevel === 0 ? "" : `, restarted ${times(backoffLevel)}`;
    lines.push(`ended with ${termination.exitCode} (${termination.reason}) ${when(diedAt)}${restarted}`);
  }
  if (failure !== null) {
    lines.push(`failed ${times(failure.count)}, last ${when(failure.at)}: ${failure.reason}, ${failure.message}`);
  }
  if (pinnedImage !== null && pinnedImage.pulledFor !== "") lines.push(`has pulled ${pinnedImage.name} for this`);
  return lines;
}
