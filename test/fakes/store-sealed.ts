import type { Store } from "../../src/ports/store.ts";
import { type Room, withEntry, withoutEntry } from "./store-state.ts";

/** In memory nothing is sealed: there is no disk to read it from. */
export function configMaps({ called, change, state, limits }: Room): Store["configMaps"] {
  return {
    names() {
      called("configMaps.names");
      return [...state().configMaps.keys()].sort();
    },
    get(name) {
      called("configMaps.get");
      const json = state().configMaps.get(name);
      return json === undefined ? null : JSON.parse(json);
    },
    put(name, data) {
      called("configMaps.put");
      const json = JSON.stringify(data);
      const now = state().configMaps;
      if (now.get(name) === json) return true;
      if (!now.has(name) && now.size >= limits.configMapsMaxRows) return false;
      change({ configMaps: withEntry(now, name, json) });
      return true;
    },
    delete(name) {
      called("configMaps.delete");
      if (state().configMaps.has(name)) change({ configMaps: withoutEntry(state().configMaps, name) });
    },
  };
}

export function credentials({ called, change, state, limits }: Room): Store["credentials"] {
  return {
    names() {
      called("credentials.names");
      return [...state().credentials.keys()].sort();
    },
    get(name) {
      called("credentials.get");
      return state().credentials.get(name) ?? null;
    },
    put(name, text) {
      called("credentials.put");
      const now = state().credentials;
      if (now.get(name) === text) return true;
      if (!now.has(name) && now.size >= limits.credentialsMaxRows) return false;
      change({ credentials: withEntry(now, name, text) });
      return true;
    },
    delete(name) {
      called("credentials.delete");
      if (state().credentials.has(name)) change({ credentials: withoutEntry(state().credentials, name) });
    },
  };
}
