import { textAt } from "./answer.ts";
import { type Connection, request } from "./connection.ts";
import { statusOf } from "./errors.ts";

/** The bridge network of the engine, asked for once in a run of the engine. */
export interface KnownBridge {
  /** Its id, null for an engine that was told to make none. Throws what dockerode throws. */
  id(connection: Connection, signal: AbortSignal): Promise<string | null>;
  /** The engine may have started again since. */
  forget(): void;
}

/**
 * Docker makes its bridge anew at every start at which no container lives on, and at no other time: nobody can delete it.
 * Nothing else in its API tells one run of the engine from the next.
 */
export function createKnownBridge(): KnownBridge {
  let known: { readonly id: string | null } | null = null;

  return {
    async id(connection, signal) {
      if (known !== null) return known.id;
      const id = await bridgeId(connection, signal);
      known = { id };
      return id;
    },
    forget() {
      known = null;
    },
  };
}

async function bridgeId({ docker }: Connection, signal: AbortSignal): Promise<string | null> {
  try {
    return textAt(await request(docker, "GET", "/networks/bridge", {}, signal), "Id") || null;
  } catch (cause) {
    if (statusOf(cause) === 404) return null;
    throw cause;
  }
}
