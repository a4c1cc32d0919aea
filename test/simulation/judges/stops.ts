import type { DesiredPod } from "../../../src/core/pod/desired.ts";
import { sandboxName } from "../../../src/core/pod/identity.ts";
import { asDesired } from "../../../src/core/pod/terminating-plan.ts";
import { difference, partOf, podDifference } from "../../../src/core/pod/wanted.ts";
import type { CreateRequest } from "../../../src/ports/engine.ts";
import type { FakeContainer } from "../../fakes/engine-container.ts";
import type { FakeEngineHost } from "../../fakes/engine-controls.ts";
import type { MemoryStore } from "../../fakes/store.ts";
import type { Programs } from "../world/programs.ts";

/** What a stop is judged by. */
export interface Circumstances {
  readonly host: FakeEngineHost;
  readonly programs: Programs;
  /** Whether this image did not go away so shortly before that a plan could not know of it. */
  readonly isKnown: (image: string) => boolean;
}

function missingImage({ pod }: DesiredPod, { host, isKnown }: Circumstances): string | undefined {
  return pod.spec.containers.map(({ image }) => image).find((image) => !host.images().has(image) && isKnown(image));
}

/** Whether the pod that a container is of has cause to stop it: also one that lives on until the next of its name may come. */
function hasCause(pod: DesiredPod, request: CreateRequest, circumstances: Circumstances, id: string): boolean {
  const { host, programs } = circumstances;
  const { container } = request;
  const { restartPolicy } = pod.pod.spec;
  // By its own probe, whatever is wanted by now.
  const made = request.pod.spec.containers.find((one) => one.name === container);
  if (made?.livenessProbe !== undefined && programs.gaveCause(id)) return true;
  // An engine that was stuck has started it beside the one that has taken its place.
  const isNewer = ({ request: other }: FakeContainer): boolean =>
    other?.pod.id.uid === request.pod.id.uid && other.container === container && other.attempt > request.attempt;
  if (host.running().some(isNewer)) return true;
  // A sandbox is there for the others: that of a job stops once they have ended.
  const others = host.running().some((one) => one.request?.sandboxId === id);
  if (container === sandboxName && !others && restartPolicy !== "Always") return true;
  const part = partOf(pod, container);
  const isChanged = part === undefined || difference(request, pod, part) !== null;
  // What is of the old pod goes at once where a container of the new one runs.
  const isOfNew = ({ request: other }: FakeContainer): boolean =>
    other?.pod.id.uid === request.pod.id.uid && other.container !== sandboxName && podDifference(other, pod) === null;
  const hasBegun = podDifference(request, pod) !== null && host.running().some(isOfNew);
  return isChanged && (hasBegun || missingImage(pod, circumstances) === undefined);
}

/** Says what is wrong with stopping a container now, null when the desired state asks for it: invariant 3. */
export function unjustifiedStop(store: MemoryStore, circumstances: Circumstances, id: string): string | null {
  const { host } = circumstances;
  const request = host.container(id)?.request;
  if (request == null) return null;
  const { pod, container, sandboxId } = request;
  const { namespace, name, uid } = pod.id;
  const sandbox = sandboxId === null ? null : host.container(sandboxId);
  if (sandboxId !== null && (sandbox?.state.kind !== "running" || sandbox.disconnected)) return null;
  if (host.container(id)?.disconnected === true) return null;
  const desired = store.desiredPods.get(namespace, name);
  const missing = desired === null ? undefined : missingImage(desired, circumstances);
  const rows = store.terminatingPods
    .list()
    .filter((one) => one.id.namespace === namespace && one.id.name === name && !one.isTerminated);
  // What no row knows goes with whatever leaves.
  const known = desired?.pod.id.uid === uid || rows.some((one) => one.id.uid === uid);
  const terminating = known ? rows.filter((one) => one.id.uid === uid) : rows;
  if (terminating.some((one) => one.kind === "deleted")) return null;
  const early = `${name}/${container} was stopped although ${missing} is not here`;
  const old = asDesired(terminating[0]);
  if (old !== null && hasCause(old, request, circumstances, id)) return null;
  if (terminating.length > 0) return missing === undefined ? null : early;
  // A pod of this name with another uid takes the place of what no row knows.
  if (desired !== null && desired.pod.id.uid !== uid) return missing === undefined ? null : early;
  if (desired === null) return `${name}/${container} was stopped although nobody asked for it`;
  if (hasCause(desired, request, circumstances, id)) return null;
  // A restart that is asked for while an update waits for its image is one of the version that runs.
  const previous = store.desiredPods.previous(namespace, name);
  const before = previous?.id.uid === uid ? { ...desired, pod: previous } : null;
  if (before !== null && request.generation < desired.generation && hasCause(before, request, circumstances, id))
    return null;
  return missing === undefined ? `${name}/${container} was stopped although it is what is wanted` : early;
}
