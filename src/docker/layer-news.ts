import type { LayerNews } from "../core/image/pull-progress.ts";
import { numberAt, textAt } from "./answer.ts";

const begun = new Set(["Pulling fs layer", "Waiting"]);
/** Unpacking is the rest, and tells no share that could be trusted. */
const fetched = new Set(["Verifying Checksum", "Download complete", "Extracting"]);
const here = new Set(["Pull complete", "Already exists"]);
const unpacking = 0.1;

/** What one line of a pull says of one layer; null when it is about something else. */
export function layerNews(line: unknown): LayerNews | null {
  const [layer, status] = [textAt(line, "id"), textAt(line, "status")];
  if (layer === "" || layer.length > 128) return null;
  if (begun.has(status)) return { layer, share: 0 };
  if (here.has(status)) return { layer, share: 1 };
  if (fetched.has(status)) return { layer, share: 1 - unpacking };
  const total = numberAt(line, "progressDetail", "total");
  if (status !== "Downloading" || total <= 0) return null;
  const share = numberAt(line, "progressDetail", "current") / total;
  return { layer, share: Math.min(Math.max(share, 0), 1) * (1 - unpacking) };
}
