import { type PulledImage, type WantedImages, wantedImages } from "../../core/image/image-gc.ts";
import type { Store } from "../../ports/store.ts";

const fact = "pulledImages";

/** The images that this agent has brought to this device, as the store keeps them. */
export function pulledImages(store: Store): readonly PulledImage[] {
  return JSON.parse(store.getMeta(fact) ?? "[]") as readonly PulledImage[];
}

/** Nothing is written when nothing changed: setMeta compares, and no list is as good as an empty one. */
export function keepPulledImages(store: Store, pulled: readonly PulledImage[]): void {
  if (pulled.length === 0 && store.getMeta(fact) === null) return;
  store.setMeta(fact, JSON.stringify(pulled));
}

/** What pods need that are desired or still on their way out. */
export function imagesWanted(store: Store): WantedImages {
  const terminating = store.terminatingPods.list().filter((terminatingPod) => !terminatingPod.isTerminated);
  const pods = [...store.desiredPods.list(), ...terminating].flatMap(({ pod }) => (pod === null ? [] : [pod]));
  return wantedImages(pods.map((pod) => ({ pod, history: store.histories.get(pod.id.uid) })));
}
