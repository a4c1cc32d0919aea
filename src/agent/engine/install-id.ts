import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { Store } from "../../ports/store.ts";

const installIdKey = "installId";

/** The device's install id, null before the first list that worked. */
export function installIdOf(store: Pick<Store, "getMeta">): string | null {
  return store.getMeta(installIdKey);
}

export interface InstallIdParts {
  readonly store: Store;
  readonly random: Random;
  readonly log: Log;
}

/** A data folder that was lost takes the id found on the engine, so that what runs is known again. */
export function establishInstallId(
  { store, random, log }: InstallIdParts,
  containers: readonly ObservedContainer[],
): string {
  const installId = containers[0]?.installId ?? random.uuid();
  store.transaction("full", () => store.setMeta(installIdKey, installId));
  log.write("info", "Install id established", { installId, found: containers.length > 0 });
  return installId;
}
