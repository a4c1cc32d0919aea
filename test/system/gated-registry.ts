import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";

const sha256 = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** An engine tells of what comes a few times a second: what comes in one piece, it tells nothing of. */
async function trickle(response: ServerResponse, bytes: Buffer, rest: Promise<void>): Promise<void> {
  const piece = Math.ceil(bytes.length / 32);
  for (let n = 0; n < 16; n += 1) {
    response.write(bytes.subarray(n * piece, (n + 1) * piece));
    await setTimeout(150);
  }
  await rest;
  response.end(bytes.subarray(16 * piece));
}

/** A registry with one image of one layer: half of it comes at once, the rest when it is opened. */
export async function gatedRegistry() {
  const folder = mkdtempSync(join(tmpdir(), "layer-"));
  // Random, so that half of what is sent is half of what is there.
  writeFileSync(join(folder, "data"), randomBytes(2 ** 22));
  const tar = execFileSync("tar", ["-cf", "-", "-C", folder, "data"], { maxBuffer: 2 ** 24 });
  rmSync(folder, { recursive: true });
  const layer = gzipSync(tar, { level: 1 });
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const rootfs = { type: "layers", diff_ids: [sha256(tar)] };
  const config = Buffer.from(JSON.stringify({ architecture, os: "linux", config: {}, rootfs }));
  const docker = "application/vnd.docker";
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${docker}.distribution.manifest.v2+json`,
      config: { mediaType: `${docker}.container.image.v1+json`, size: config.length, digest: sha256(config) },
      layers: [{ mediaType: `${docker}.image.rootfs.diff.tar.gzip`, size: layer.length, digest: sha256(layer) }],
    }),
  );
  const gate = Promise.withResolvers<void>();
  const server = createServer(({ url = "", method }, response) => {
    const body = url.endsWith(sha256(layer)) ? layer : url.endsWith(sha256(config)) ? config : manifest;
    if (url === "/v2/") return response.end("{}");
    response.setHeader("content-length", body.length);
    if (body === manifest) {
      response.setHeader("content-type", `${docker}.distribution.manifest.v2+json`);
      response.setHeader("docker-content-digest", sha256(manifest));
    }
    if (method === "HEAD") return response.end();
    if (body !== layer) return response.end(body);
    return trickle(response, layer, gate.promise);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  return {
    image: `127.0.0.1:${port}/half:1`,
    open: () => gate.resolve(),
    close: () => {
      gate.resolve();
      server.closeAllConnections();
      server.close();
    },
  };
}
