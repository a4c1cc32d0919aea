import { type Config, parseConfig } from "../core/config/config.ts";
import type { Store } from "../ports/store.ts";
import { readSecrets } from "../sqlite/secrets.ts";

/** In the store: the configuration that the agent last started with, without what may be a password or a token. */
const lastGoodConfig = "lastGoodConfig";
/** The same with everything, sealed with the key of this device. It opens nowhere else. */
const sealedConfig = "lastGoodConfigSealed";

/** Keeps a configuration that the agent starts with, for a start with a broken one. Writes nothing when it is the same. */
export function keepConfig(store: Pick<Store, "getMeta" | "setMeta">, config: Config): void {
  const { dir } = config.data;
  const whole = JSON.stringify(config);
  // The same text seals differently each time.
  const sealed = openedIn(store, dir) === whole ? undefined : readSecrets(dir)?.seal(whole, sealedConfig);
  if (sealed !== undefined) store.setMeta(sealedConfig, `${sealed.keyId} ${sealed.sealed.toString("base64")}`);
  store.setMeta(lastGoodConfig, JSON.stringify(withoutSecrets(config)));
}

/**
 * The last good configuration of a data folder (lifecycle.md, Configuration); null when none was kept. Makes no file. Who
 * cannot read the key of the device, or where it is another one, gets it without headers and the query of the address.
 */
export async function keptConfig(dir: string): Promise<Config | null> {
  const { openStoreReadOnly } = await import("../sqlite/store.ts");
  const opened = openStoreReadOnly(dir);
  if (!opened.ok) return null;
  const kept = openedIn(opened.store, dir) ?? opened.store.getMeta(lastGoodConfig);
  opened.store.close();
  const parsed = kept === null ? null : parseConfig(JSON.parse(kept), { strict: false });
  return parsed?.ok === true ? parsed.config : null;
}

function openedIn(store: Pick<Store, "getMeta">, dir: string): string | null {
  const [keyId, base64] = store.getMeta(sealedConfig)?.split(" ") ?? [];
  if (keyId === undefined || base64 === undefined) return null;
  return readSecrets(dir)?.open({ keyId, sealed: Buffer.from(base64, "base64") }, sealedConfig) ?? null;
}

function withoutSecrets(config: Config): Config {
  const { center } = config;
  const [url = ""] = center.url.split(/[?#]/);
  return { ...config, center: { ...center, url, headers: {} } };
}
