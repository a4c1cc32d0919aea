import { hash } from "node:crypto";
import { canonicalJson } from "../pod/identity.ts";

/**
 * Tells a repeat from a change, whatever the order of keys (decisions.md 34: centers send several messages under one
 * msg_id).
 */
export function contentHash(content: unknown): string {
  return hash("sha256", canonicalJson(content));
}
