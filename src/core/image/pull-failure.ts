import { registryOf } from "./registry-credentials.ts";

/** How a pull went wrong, as far as there is something to say about it. */
export type PullFailureKind =
  | "registryAuth"
  | "imageNotFound"
  | "registryUnreachable"
  | "registryBusy"
  | "wrongArchitecture"
  | "diskFull"
  | "timeout"
  | "other";

export interface PullFailure {
  readonly image: string;
  readonly kind: PullFailureKind;
  /** The engine's own words. */
  readonly words: string;
  /** The secrets that the pod names, and what each had to say about the registry. */
  readonly secrets: readonly NamedSecret[];
}

export interface NamedSecret {
  readonly name: string;
  /** missing: not on this device. silent: it holds nothing for this registry. shown: what it holds was tried. */
  readonly use: "missing" | "silent" | "shown";
}

/** An engine that did not take an image from its archive on this device, as a sentence for the pod's waiting message. */
export function loadFailure(image: string, words: string): string {
  return `Image ${image} was not loaded from its archive on this device: ${words}`;
}

/** A failed pull as a sentence for the pod's waiting message: what is wrong first, then the engine's words. */
export function pullFailure({ image, kind, words, secrets }: PullFailure): string {
  const registry = registryOf(image);
  switch (kind) {
    case "registryAuth":
      return `${rejected(registry, image, secrets)}: ${words}`;
    case "imageNotFound":
      return `Registry ${registry} has no image ${image}: ${words}`;
    case "registryUnreachable":
      return `Registry ${registry} cannot be reached: ${words}`;
    case "registryBusy":
      return `Registry ${registry} was asked too often: ${words}`;
    case "wrongArchitecture":
      return `Image ${image} is not for this device's architecture: ${words}`;
    case "diskFull":
      return `No space is left on this device for image ${image}: ${words}`;
    case "timeout":
      return `Registry ${registry} stopped sending: ${words}`;
    case "other":
      return words;
    default:
      return kind satisfies never;
  }
}

function rejected(registry: string, image: string, secrets: readonly NamedSecret[]): string {
  const named = (use: NamedSecret["use"]) =>
    secrets.filter((secret) => secret.use === use).map((secret) => secret.name);
  const shown = named("shown");
  if (shown.length > 0) {
    return `Registry ${registry} rejected the user name or password in secret ${shown.join(", ")}, for image ${image}`;
  }
  const request = `Registry ${registry} rejected the request for image ${image} without credentials`;
  if (secrets.length === 0) return `${request}: the pod names no imagePullSecrets`;
  const missing = named("missing");
  if (missing.length > 0) return `${request}: secret ${missing.join(", ")} is not on this device`;
  return `${request}: secret ${named("silent").join(", ")} has no entry for ${registry}`;
}
