import { podKey } from "../pod/spec.ts";
import { jsonTrouble } from "../protocol/message.ts";
import { namesOf } from "./admit.ts";

/** A Pod of a file or a request, before it is judged. */
export type PodContent =
  | {
      readonly ok: true;
      readonly content: unknown;
      /** namespace/name as it gives itself; null without a name. */
      readonly key: string | null;
    }
  | { readonly ok: false; readonly reason: string };

/** Reads JSON within the limits that a message of the center has. Never throws. */
export function readPodContent(json: string): PodContent {
  const trouble = jsonTrouble(json);
  if (trouble !== null) return { ok: false, reason: trouble };
  let content: unknown;
  try {
    content = JSON.parse(json);
  } catch {
    return { ok: false, reason: "not valid JSON" };
  }
  const names = namesOf(content);
  return { ok: true, content, key: names.name === "" ? null : podKey(names) };
}
