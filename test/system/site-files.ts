import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { deviceTls } from "../../scripts/certificates.ts";
import { openStore } from "../../src/sqlite/store.ts";

/** The device's install id, given rather than found on an engine that other tests use too. */
export function keepInstallId(dataDir: string, installId: string): void {
  const opened = openStore({ dir: dataDir });
  assert.ok(opened.ok, "The store opens");
  opened.store.transaction("full", () => opened.store.setMeta("installId", installId));
  opened.store.close();
}

/** Where the factory pods of a site are; not made. */
export function podsDirOf({ config }: { readonly config: string }): string {
  return join(dirname(config), "pods.d");
}

/** What the agent of a site is configured with. */
interface Configured {
  readonly node: string;
  readonly socket: string;
  readonly port: number;
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly center?: Readonly<Record<string, unknown>>;
  readonly tls?: boolean;
  readonly deviceDir?: string;
}

export function writeConfig(
  place: Readonly<Record<"config" | "dataDir" | "runDir" | "tls", string>>,
  site: Configured,
): void {
  const { node, socket, port, policy, center, tls, deviceDir } = site;
  const config = {
    node: { name: node, ...(deviceDir === undefined ? {} : { deviceDir }) },
    center: {
      url: `${tls ? "wss" : "ws"}://127.0.0.1:${port}/websocket/${node}/events`,
      ...(tls ? { tls: deviceTls(place.tls) } : {}),
      statusPeriodSeconds: 5,
      keepaliveSeconds: 5,
      ...center,
    },
    engine: { socket },
    data: { dir: place.dataDir, runDir: place.runDir },
    local: { podsDir: podsDirOf(place) },
    policy: { systemReserved: { cpu: "100m", memory: "64Mi" }, ...policy },
  };
  writeFileSync(place.config, JSON.stringify(config));
}
