import { createHash } from "node:crypto";
import { ownValue } from "../core/base/own-value.ts";
import { sandboxPrograms } from "./sandbox-program.ts";
import { tar } from "./tar.ts";

/** The image that sandboxes are made from, in the format of `docker save`. */
export interface SandboxImage {
  /** `sha256:…` of its configuration: its id on an engine without containerd's image store. */
  readonly id: string;
  /** What it is called on every engine. No registry has it: names below `.invalid` are nobody's (RFC 6761). */
  readonly tag: string;
  /** `sha256:…` of its one layer, unpacked. */
  readonly layer: string;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly archive: Buffer;
}

/** Nobody's user: it owns no file and no process of a pod. */
const user = "65535:65535";
const entrypoint = ["/pause"];
const created = "1970-01-01T00:00:00Z";

/**
 * The sandbox image for an engine's architecture (GOARCH), null for one that this program has none for. Always the same
 * bytes: no time, no owner, nothing of the machine is in it.
 */
export function sandboxImage(architecture: string): SandboxImage | null {
  const program = ownValue(sandboxPrograms, architecture);
  if (program === undefined) return null;
  const layer = tar([{ name: "pause", mode: 0o755, content: Buffer.from(program, "base64") }]);
  const layerId = `sha256:${sha256(layer)}`;
  const config = json({
    architecture,
    os: "linux",
    created,
    config: { User: user, Entrypoint: entrypoint },
    rootfs: { type: "layers", diff_ids: [layerId] },
    history: [{ created, created_by: "edge" }],
  });
  const id = sha256(config);
  const tag = `edge.invalid/sandbox:${id.slice(0, 12)}`;
  const archive = tar([
    { name: `${id}.json`, mode: 0o644, content: config },
    { name: "layer.tar", mode: 0o644, content: layer },
    {
      name: "manifest.json",
      mode: 0o644,
      content: json([{ Config: `${id}.json`, RepoTags: [tag], Layers: ["layer.tar"] }]),
    },
  ]);
  return { id: `sha256:${id}`, tag, layer: layerId, user, entrypoint, archive };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
