import type { Database } from "better-sqlite3";
import type { Moment } from "../core/pod/container-history.ts";
import type { ConfigMapData, ConfigMaps, Credentials, StoreReader } from "../ports/store.ts";
import { readJson } from "./columns.ts";
import type { Writer } from "./database.ts";
import type { StoreLimits } from "./limits.ts";
import type { Secrets } from "./secrets.ts";

interface Row {
  readonly key_id: string;
  readonly sealed: Buffer;
}

type Table = "config_maps" | "credentials";

/** Texts under names, sealed with the key of this device. */
interface SealedTexts {
  names(): readonly string[];
  text(name: string): string | null;
  put(name: string, text: string, at: Moment): boolean;
  remove(name: string): void;
}

/** Their names need no key. */
export function configMapReads(db: Database): StoreReader["configMaps"] {
  const names = namesIn(db, "config_maps");
  return { names: () => names.all() };
}

/** A config map is no secret by name, but people put passwords there all the same. */
export function configMaps(writer: Writer, secrets: Secrets, limits: StoreLimits): ConfigMaps {
  const maps = sealedTexts(writer, secrets, "config_maps", limits.configMapsMaxRows);
  return {
    names: maps.names,
    get(name) {
      const json = maps.text(name);
      return json === null ? null : readJson<ConfigMapData>(json, "config map", []);
    },
    put: (name, data, at) => maps.put(name, JSON.stringify(data), at),
    delete: maps.remove,
  };
}

export function credentials(writer: Writer, secrets: Secrets, limits: StoreLimits): Credentials {
  const texts = sealedTexts(writer, secrets, "credentials", limits.credentialsMaxRows);
  return { names: texts.names, get: texts.text, put: texts.put, delete: texts.remove };
}

function namesIn(db: Database, table: Table) {
  return db.prepare<[], string>(`SELECT name FROM ${table} ORDER BY name`).pluck();
}

function sealedTexts({ db, write }: Writer, secrets: Secrets, table: Table, mostRows: number): SealedTexts {
  const names = namesIn(db, table);
  const select = db.prepare<[string], Row>(`SELECT key_id, sealed FROM ${table} WHERE name = ?`);
  const others = db.prepare<[string], number>(`SELECT count(*) FROM ${table} WHERE name <> ?`).pluck();
  const put = db.prepare<[string, string, Buffer, number, number, string]>(
    `REPLACE INTO ${table} (name, resource_version, key_id, sealed, updated_wall, updated_mono, updated_boot)
     VALUES (?, '', ?, ?, ?, ?, ?)`,
  );
  const remove = db.prepare<[string]>(`DELETE FROM ${table} WHERE name = ?`);
  const place = (name: string): string => `${table}/${name}`;
  const text = (name: string): string | null => {
    const row = select.get(name);
    return row === undefined ? null : secrets.open({ keyId: row.key_id, sealed: row.sealed }, place(name));
  };
  return {
    names: () => names.all(),
    text,
    put(name, value, at) {
      // The same text seals differently each time: only what it opens to can be compared.
      if (text(name) === value) return true;
      return write(() => {
        if ((others.get(name) ?? 0) >= mostRows) return false;
        const { keyId, sealed } = secrets.seal(value, place(name));
        put.run(name, keyId, sealed, at.wall, at.mono, at.bootId);
        return true;
      });
    },
    remove(name) {
      if (select.get(name) !== undefined) write(() => remove.run(name));
    },
  };
}
