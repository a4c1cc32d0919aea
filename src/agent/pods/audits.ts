import type { ObservedContainer } from "../../core/pod/observed.ts";
import type { EngineResult } from "../../ports/engine.ts";

/** What the engine said when it was last asked about each running container. */
export interface Audits<Found> {
  /**
   * A look at this container begins: what was found when the engine was last asked, null when it is to be asked now.
   * @param places of its host paths: with other ones it is to be asked
   */
  next(container: ObservedContainer, places: string): Found | null;
  /** Asks the engine by `ask`, and keeps what it says unless the container is doubted meanwhile. */
  run(
    container: ObservedContainer,
    places: string,
    ask: () => Promise<EngineResult<Found>>,
  ): Promise<EngineResult<Found>>;
  /** Somebody may have changed this container: the next look asks. */
  doubt(containerId: string): void;
  /** Forgets every other container. */
  keep(containerIds: ReadonlySet<string>): void;
}

interface Audited<Found> {
  readonly startedAt: string;
  readonly places: string;
  readonly found: Found | null;
  looksAgo: number;
}

/** Events tell what somebody does to a container; what they did not tell is found after this many looks, ten minutes. */
const mostLooks = 20;

export function createAudits<Found>(): Audits<Found> {
  const audits = new Map<string, Audited<Found>>();

  return {
    next(container, places) {
      const last = audits.get(container.id);
      if (last === undefined || last.startedAt !== startedAt(container) || last.places !== places) return null;
      last.looksAgo += 1;
      return last.looksAgo < mostLooks ? last.found : null;
    },
    async run(container, places, ask) {
      // Those of an agent that has just started do not all come up again at one look.
      const looksAgo = audits.has(container.id) ? 0 : audits.size % mostLooks;
      const asked: Audited<Found> = { startedAt: startedAt(container), places, found: null, looksAgo };
      audits.set(container.id, asked);
      const said = await ask();
      if (audits.get(container.id) !== asked) return said;
      if (said.ok) audits.set(container.id, { ...asked, found: said.value });
      else audits.delete(container.id);
      return said;
    },
    doubt: (containerId) => void audits.delete(containerId),
    keep(containerIds) {
      for (const id of audits.keys()) if (!containerIds.has(id)) audits.delete(id);
    },
  };
}

function startedAt({ state }: ObservedContainer): string {
  return state.kind === "running" ? state.startedAt : "";
}
