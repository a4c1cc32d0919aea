// What config maps and secrets do to the desired state.
import type { Admitted } from "../../core/admission/context.ts";
import type { ContainerHistory } from "../../core/pod/container-history.ts";
import { type AcceptedPod, podKey } from "../../core/pod/spec.ts";
import type { Store } from "../../ports/store.ts";
import { mountsConfigMap } from "../pods/config-maps.ts";
import { type Applied, type ApplyContext, noSpace, refuse } from "./applied.ts";

type Content<K extends Admitted["kind"]> = Extract<Admitted, { kind: K }>;

/** Stored, and every pod that mounts it looks again: one that runs gets the new files, one that waits for it starts. */
export function updateConfigMap(context: ApplyContext, { name, data }: Content<"configmap-update">): Applied {
  const full = noSpace(context, "the config map");
  if (full !== null) return full;
  if (!context.store.configMaps.put(name, data, context.now)) {
    return refuse(
      "metadata.name",
      "capacity.configMaps",
      "This device already has the largest number of ConfigMaps. Delete one first.",
      name,
    );
  }
  const alsoWake = retryNow(context.store, "CreateContainerConfigError", (pod) => mountsConfigMap(pod, name));
  return { ok: true, wake: null, alsoWake, summary: `ConfigMap ${name} is stored` };
}

/** What runs keeps what it has mounted. */
export function deleteConfigMap(context: ApplyContext, name: string): Applied {
  context.store.configMaps.delete(name);
  return { ok: true, wake: null, summary: `ConfigMap ${name} is deleted` };
}

/** Pods that wait because of the old credentials try again at once. */
export function updateSecret(context: ApplyContext, { name, dockerConfigJson }: Content<"secret-update">): Applied {
  // A center sends it at every connect: what did not change must not break off a pull that gets on.
  if (context.store.credentials.get(name) === dockerConfigJson) {
    return { ok: true, wake: null, summary: `Secret ${name} is the same as before` };
  }
  if (!context.store.credentials.put(name, dockerConfigJson, context.now)) {
    return refuse(
      "metadata.name",
      "capacity.secrets",
      "This device already has the largest number of secrets. Delete one first.",
      name,
    );
  }
  const names = (pod: AcceptedPod) => (pod.spec.imagePullSecrets ?? []).some((secret) => secret.name === name);
  const alsoWake = retryNow(context.store, "ErrImagePull", names);
  return { ok: true, wake: null, alsoWake, summary: `Secret ${name} is stored` };
}

/** Takes back the wait of containers that failed for this reason; gives the keys of their pods, failed or not. */
function retryNow(store: Store, reason: string, concerned: (pod: AcceptedPod) => boolean): readonly string[] {
  const pods = store.desiredPods.list().filter(({ pod }) => concerned(pod));
  for (const { pod } of pods) {
    const history = Object.entries(store.histories.get(pod.id.uid));
    const freed = history.map(([name, container]) => [name, freedOf(container, reason)]);
    if (history.length > 0) store.histories.put(pod.id.uid, Object.fromEntries(freed));
  }
  return pods.map(({ pod }) => podKey(pod.id));
}

function freedOf(history: ContainerHistory, reason: string): ContainerHistory {
  const { updateFailure, ...rest } = history;
  const failure = rest.failure?.reason === reason ? null : rest.failure;
  if (updateFailure === undefined || updateFailure.reason === reason) return { ...rest, failure };
  return { ...rest, failure, updateFailure };
}
