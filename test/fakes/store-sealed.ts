import type { Store } from "../../src/ports/store.ts";
import { type Room, withEntry, withoutEntry } from "./store-state.ts";

type ConfigMaps = Pick<Store, "configMapNames" | "configMap" | "putConfigMap" | "deleteConfigMap">;
type Credentials = Pick<Store, "credentialNames" | "credentials" | "putCredentials" | "deleteCredentials">;

/** In memory nothing is sealed: there is no disk to read it from. */
export function configMaps({ called, change, state, limits }: Room): ConfigMaps {
  return {
    configMapNames() {
      called("configMapNames");
      return [...state().configMaps.keys()].sort();
    },
    configMap(name) {
      called("configMap");
      const json = state().configMaps.get(name);
      return json === undefined ? null : JSON.parse(json);
    },
    putConfigMap(name, data) {
      called("putConfigMap");
      const json = JSON.stringify(data);
      const now = state().configMaps;
      if (now.get(name) === json) return true;
      if (!now.has(name) && now.size >= limits.configMapsMaxRows) return false;
      change({ configMaps: withEntry(now, name, json) });
      return true;
    },
    deleteConfigMap(name) {
      called("deleteConfigMap");
      if (state().configMaps.has(name)) change({ configMaps: withoutEntry(state().configMaps, name) });
    },
  };
}

export function credentials({ called, change, state, limits }: Room): Credentials {
  return {
    credentialNames() {
      called("credentialNames");
      return [...state().credentials.keys()].sort();
    },
    credentials(name) {
      called("credentials");
      return state().credentials.get(name) ?? null;
    },
    putCredentials(name, text) {
      called("putCredentials");
      const now = state().credentials;
      if (now.get(name) === text) return true;
      if (!now.has(name) && now.size >= limits.credentialsMaxRows) return false;
      change({ credentials: withEntry(now, name, text) });
      return true;
    },
    deleteCredentials(name) {
      called("deleteCredentials");
      if (state().credentials.has(name)) change({ credentials: withoutEntry(state().credentials, name) });
    },
  };
}
