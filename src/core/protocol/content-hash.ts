import { createHash } from "node:crypto";
import { canonicalJson } from "../pod/identity.ts";

/** Tells a repeat from a change (decisions.md 34): the order of keys makes no difference. */
export function contentHash(content: unknown): string {
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}
