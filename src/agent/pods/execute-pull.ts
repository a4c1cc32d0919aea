import { loadFailure, type NamedSecret, type PullFailureKind, pullFailure } from "../../core/image/pull-failure.ts";
import type { FetchProgress } from "../../core/image/pull-progress.ts";
import { credentialsFor, type RegistryCredentials } from "../../core/image/registry-credentials.ts";
import type { Pull } from "../../core/pod/action.ts";
import type { DesiredPod } from "../../core/pod/desired.ts";
import type { EngineResult } from "../../ports/engine.ts";
import type { Store } from "../../ports/store.ts";
import type { FetchedImage } from "../images/image-puller.ts";
import { type ExecutorParts, type Outcome, outcomeOf } from "./executor.ts";

/** Of a sentence in a report. */
const longestMessage = 1024;

/** Pulls with what the pod's secrets hold for the registry, unless an archive on this device holds the image. */
export async function executePull(
  parts: ExecutorParts,
  { image }: Pull,
  desired: DesiredPod,
  signal: AbortSignal,
  onProgress: (progress: FetchProgress) => void,
): Promise<Outcome> {
  const secrets = secretsOf(parts.store, image, desired);
  const credentials = secrets.flatMap((secret) => secret.credentials);
  return pulled(await parts.puller.pull({ image, credentials }, signal, onProgress), image, secrets);
}

interface SecretFound extends NamedSecret {
  readonly credentials: readonly RegistryCredentials[];
}

/** What is shown to the registry of an image for a pod, and by which of its secrets. */
export function secretsOf(
  store: Pick<Store, "credentials">,
  image: string,
  desired: DesiredPod | null,
): readonly SecretFound[] {
  return (desired?.pod.spec.imagePullSecrets ?? []).map(({ name }) => {
    const text = store.credentials.get(name);
    const credentials = text === null ? [] : credentialsFor(image, text);
    return { name, use: text === null ? "missing" : credentials.length === 0 ? "silent" : "shown", credentials };
  });
}

function pulled(result: EngineResult<FetchedImage>, image: string, secrets: readonly NamedSecret[]): Outcome {
  if (result.ok) {
    const { archive } = result.value;
    const outcome = { kind: "image", image: result.value.image, pulled: true } as const;
    return archive === null ? outcome : { ...outcome, archive };
  }
  const { kind: why, message: words } = result.error;
  const kind = spokenOf.find((one) => one === why) ?? "other";
  const isArchive = result.error.operation === "load";
  const sentence = isArchive ? loadFailure(image, words) : pullFailure({ image, kind, words, secrets });
  const message = sentence.slice(0, longestMessage);
  // Nothing came for long: for a pull that is a failure like another, and its wait spares the registry.
  if (why === "timeout") return { kind: "failed", reason: "ErrImagePull", message, containerId: null };
  if (why === "registryBusy")
    return { kind: "failed", reason: "ErrImagePull", message, containerId: null, isRegistryBusy: true };
  return outcomeOf({ ok: false, error: { ...result.error, message } }, "ErrImagePull", null);
}

const spokenOf: readonly PullFailureKind[] = [
  "registryAuth",
  "imageNotFound",
  "registryUnreachable",
  "registryBusy",
  "wrongArchitecture",
  "diskFull",
  "timeout",
];
