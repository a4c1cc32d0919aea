import { createHash } from "node:crypto";
import { tar } from "../../src/docker/tar.ts";

/** An image in the format of `docker save`: one layer with one file. */
export interface SampleArchive {
  /** `sha256:…` of its configuration. */
  readonly id: string;
  readonly bytes: Buffer;
}

export interface SampleImage {
  readonly names: readonly string[];
  readonly architecture?: string;
  /** A name in place of the digest, for an engine in memory that is to call it `sha256:first`. */
  readonly digest?: string;
  readonly user?: string;
  /** Adds bytes to its layer; without it the layer has a few. */
  readonly layerBytes?: number;
}

/** The same bytes for the same image. An engine takes it, but nothing of it can run. */
export function sampleArchive({
  names,
  architecture = "amd64",
  layerBytes = 10,
  user = "65534",
  digest,
}: SampleImage): SampleArchive {
  const plain = (name: string, content: Buffer) => ({ name, mode: 0o644, content });
  const layer = tar([plain("sample", Buffer.alloc(layerBytes, names.join()))]);
  const config = json({
    architecture,
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: { User: user, Cmd: ["/sample"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "sample" }],
  });
  const id = digest ?? sha256(config);
  const manifest = json([{ Config: `${id}.json`, RepoTags: names, Layers: ["layer.tar"] }]);
  const bytes = tar([plain(`${id}.json`, config), plain("layer.tar", layer), plain("manifest.json", manifest)]);
  return { id: `sha256:${id}`, bytes };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
