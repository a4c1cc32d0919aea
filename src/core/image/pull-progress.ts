import type { Plan } from "../pod/situation.ts";

/** What an engine tells of one layer of an image while it fetches it. */
export interface LayerNews {
  readonly layer: string;
  /** Of this layer, from 0 to 1. */
  readonly share: number;
}

/** How much of an image is here; grows with each piece of news. */
export interface PullProgress {
  readonly shares: ReadonlyMap<string, number>;
  /** In tenths, of all layers alike; never goes back. */
  readonly tenths: number;
}

export const noProgress: PullProgress = { shares: new Map(), tenths: 0 };

/** An image has 127 layers at most; an engine that tells of more is not listened to. */
const mostLayers = 128;

/** The same object while nothing changes that anybody is told. */
export function progressed(before: PullProgress, { layer, share }: LayerNews): PullProgress {
  const known = before.shares.get(layer) ?? -1;
  if (share <= known || (known < 0 && before.shares.size >= mostLayers)) return before;
  const shares = new Map(before.shares).set(layer, Math.min(share, 1));
  let sum = 0;
  for (const share of shares.values()) sum += share;
  return { shares, tenths: Math.max(before.tenths, Math.floor((sum * 10) / shares.size)) };
}

/** How far an image has come that a container waits for. */
export interface FetchProgress {
  readonly tenths: number;
  /** The archive on this device that it is loaded from; null while it is pulled from its registry. */
  readonly archive: string | null;
}

/** Of an archive that is being loaded; the engine still unpacks the image after the last byte. */
export function loadTenths(readBytes: number, sizeBytes: number): number {
  return Math.min(9, Math.floor((readBytes * 10) / Math.max(1, sizeBytes)));
}

/** For `edge status` and the report: at most ten changes a pull, for each is written to flash. */
function pullWords(image: string, { tenths, archive }: FetchProgress): string {
  if (archive !== null)
    return `Loading image "${image}" from archive ${archive}${tenths === 0 ? "" : `: ${tenths * 10} %`}`;
  return `Pulling image "${image}"${tenths === 0 ? "" : `: ${tenths * 10} % of its layers`}`;
}

/** The plan with what its containers that wait for a pull say of it. */
export function withPullProgress(plan: Plan, progressOf: (container: string) => FetchProgress): Plan {
  const withProgress = (waiting: Plan["waiting"]): Plan["waiting"] => {
    const all = new Map(Object.entries(waiting));
    for (const { container, image } of plan.pulls) {
      const why = all.get(container);
      if (why?.reason !== "ContainerCreating" || why.message !== undefined) continue;
      all.set(container, { ...why, message: pullWords(image, progressOf(container)) });
    }
    return Object.fromEntries(all);
  };
  const waiting = withProgress(plan.waiting);
  return plan.update === undefined ? { ...plan, waiting } : { ...plan, waiting, update: withProgress(plan.update) };
}
