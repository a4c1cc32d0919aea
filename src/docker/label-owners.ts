import type Docker from "dockerode";
import { ownValue } from "../core/base/own-value.ts";
import { containerLabels } from "../core/pod/identity.ts";
import { textMapAt } from "./answer.ts";
import { request } from "./connection.ts";
import { statusOf } from "./errors.ts";
import type { ListedContainer } from "./inspect.ts";

/** Tells containers of pods from those that only have the labels of their image. */
export interface LabelOwners {
  /**
   * The containers whose labels are their own, in the same order. One whose name is what its labels say is; of another one
   * the image is looked at, once. Throws what dockerode throws.
   */
  ownOf(
    docker: Docker,
    listed: readonly (ListedContainer | null)[],
    signal: AbortSignal,
  ): Promise<readonly ListedContainer[]>;
}

export function createLabelOwners(): LabelOwners {
  // By container, of those that the last list showed under another name.
  let known: ReadonlyMap<string, boolean> = new Map();

  return {
    async ownOf(docker, listed, signal) {
      const next = new Map<string, boolean>();
      const own: ListedContainer[] = [];
      for (const container of listed) {
        if (container === null) continue;
        if (container.renamed !== undefined) {
          next.set(container.id, known.get(container.id) ?? (await isLabelledItself(docker, container, signal)));
        }
        if (next.get(container.id) !== false) own.push(container);
      }
      known = next;
      return own;
    },
  };
}

/** A container that somebody made from an image of one of ours (`docker commit`) has its labels, every one of them. */
async function isLabelledItself(docker: Docker, container: ListedContainer, signal: AbortSignal): Promise<boolean> {
  try {
    const labels = textMapAt(
      await request(docker, "GET", `/images/${container.imageId}/json`, {}, signal),
      "Config",
      "Labels",
    );
    const wanted = Object.entries(containerLabels(container.identity));
    return wanted.some(([key, value]) => ownValue(labels, key) !== value);
  } catch (cause) {
    // Nobody can tell any more: it is left alone.
    if (statusOf(cause) === 404) return false;
    throw cause;
  }
}
