import { ownValue } from "../base/own-value.ts";
import type { Action, Pull } from "./action.ts";
import type { ContainerHistory, Failure } from "./container-history.ts";
import type { DesiredPod } from "./desired.ts";
import { failureOf, failureReason, failureWait } from "./failure-wait.ts";
import { isImageName } from "./image-name.ts";
import type { Plan, Situation, Waiting } from "./situation.ts";
import { hashesOf, type Part, wantedKey } from "./wanted.ts";

export const creating: Waiting = { reason: "ContainerCreating" };

type ImageStep = Extract<Action, { kind: "resolve" }> | Pull;

/** A look-up is an action, a pull is not. */
export function stepsOf(step: ImageStep): Pick<Plan, "actions" | "pulls"> {
  return step.kind === "pull" ? { actions: [], pulls: [step] } : { actions: [step], pulls: [] };
}

/**
 * The images of a pod that is to replace another: the first step toward having them all, null when they are here.
 * `update` says what they wait for.
 */
export function imageSteps(situation: Situation, desired: DesiredPod, because: string): Plan | null {
  for (const spec of desired.pod.spec.containers) {
    const invalid = invalidImage(spec);
    if (invalid !== null) return { ...noSteps, update: { [spec.name]: invalid } };
    const history = ownValue(situation.history, spec.name);
    const step = imageStep(situation, spec, history, hashesOf(desired, spec).specHash, because);
    if (step === null) continue;
    const key = wantedKey(desired, spec);
    const failure = failureOf(history, key);
    // A look-up is answered at once. Only a wait for a registry is reported.
    if (step.kind === "resolve" && failure === null) return { ...noSteps, ...stepsOf(step) };
    const update = { [spec.name]: whileFetched(spec, failure) };
    // What else one of them failed for is no reason to hold up another's image.
    const held = isOfImage(failure) ? failureWait(history, key, situation.now) : 0;
    return held > 0 ? { ...noSteps, requeueAfterMs: held, update } : { ...noSteps, ...stepsOf(step), update };
  }
  return null;
}

const noSteps: Plan = { actions: [], pulls: [], waiting: {}, requeueAfterMs: null };

const imageFailures: readonly string[] = ["ErrImagePull", "ImageInspectError"];

function isOfImage(failure: Failure | null): boolean {
  return failure !== null && imageFailures.includes(failure.reason);
}

/** Kubelet `applyDefaultImageTag`: no registry is asked for a name that none can have, and only a message helps. */
export function invalidImage({ image }: Part): Waiting | null {
  if (isImageName(image)) return null;
  return { reason: "InvalidImageName", message: `Could not parse image name "${image}": invalid reference format` };
}

/** Kubelet `reasonCache`: while a failed pull is repeated, the container waits for the same reason as before. */
export function whileFetched(spec: Part, failure: Failure | null): Waiting {
  return failure !== null && isOfImage(failure) ? failureReason(spec, failure) : creating;
}

/** The next step toward having the container's image, null when it is here. */
export function imageStep(
  situation: Situation,
  spec: Part,
  history: ContainerHistory | undefined,
  specWanted: string,
  because: string,
): ImageStep | null {
  const pinned = pinnedFor(history, spec.image);
  const known = ownValue(situation.images, spec.name);
  if (spec.imagePullPolicy === "Always" && pinned?.pulledFor !== specWanted) {
    return { kind: "pull", container: spec.name, image: spec.image, because };
  }
  if (known === undefined) return { kind: "resolve", container: spec.name, image: pinned?.id ?? spec.image, because };
  if (known === null)
    return {
      kind: "pull",
      container: spec.name,
      image: spec.image,
      because: `${because}, and its image is not on this device`,
    };
  return null;
}

/** What this image name stood for: of the version that is wanted, or of the one that an update waits to replace. */
export function pinnedFor(history: ContainerHistory | undefined, image: string): ContainerHistory["pinnedImage"] {
  return [history?.pinnedImage, history?.madeFrom].find((pinned) => pinned?.name === image) ?? null;
}
