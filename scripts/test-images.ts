import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import Docker from "dockerode";
import { type Header, pack } from "tar-stream";
import { requirePackages } from "./packages.ts";

/** The images that `loadTestImages` brings: the same file system, each with another configuration. */
export const testImages = {
  /** Runs as nobody, the way the default policy wants it. */
  busybox: "edge.test/busybox:1",
  /** The same as a new version: another id. */
  busybox2: "edge.test/busybox:2",
  /** Names no user, so it would run as root. */
  root: "edge.test/busybox:root",
  /** Declares a volume of its own at /data. */
  volume: "edge.test/busybox:volume",
  /** Says hello on port 8080, and ends at once when it is asked to. */
  greeter: "edge.test/busybox:greeter",
  /** Serves /tmp/test over HTTP on ports 33, 44 and 10000, with no command of the pod's. */
  site: "edge.test/busybox:site",
  /** Made for a machine that this one is not. */
  foreign: "edge.test/busybox:foreign",
} as const;

/** An image in the format of `docker save`. */
export type ImageArchive = {
  readonly id: string;
  readonly archive: Buffer;
};

type ImageConfig = {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Volumes?: Readonly<Record<string, Record<string, never>>>;
  readonly Labels?: Readonly<Record<string, string>>;
};

type Entry = readonly [header: Partial<Header> & Pick<Header, "name">, content?: Buffer];

const architectures = { x64: "amd64", arm64: "arm64" } as const;
const epoch = new Date(0);
/** A shell that handles SIGTERM: as process 1 whatever does not handle it is deaf to it. */
const greeting = "trap 'exit 0' TERM; while :; do echo hello | nc -l -p 8080 & wait $!; done";

const serving = "httpd -p 33 -h /www && httpd -p 44 -h /www && exec httpd -f -p 10000 -h /www";

/** Loads every image of `testImages` into an engine, without a registry. */
export async function loadTestImages(socketPath: string): Promise<void> {
  const docker = new Docker({ socketPath });
  for (const { archive } of await makeTestImages()) {
    const answer = await docker.loadImage(Readable.from([archive]));
    await buffer(answer);
  }
}

/** Makes an image of one layer; the same input gives the same image id, since no time or owner is in it. */
export async function makeImage(tag: string, layer: Buffer, config: ImageConfig, arch: string): Promise<ImageArchive> {
  const content = Buffer.from(
    JSON.stringify({
      architecture: arch,
      os: "linux",
      created: epoch.toISOString(),
      config,
      rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
      history: [{ created: epoch.toISOString(), created_by: "test-images" }],
    }),
  );
  const id = sha256(content);
  const manifest = [{ Config: `${id}.json`, RepoTags: [tag], Layers: ["layer.tar"] }];
  const archive = await tar([
    [{ name: `${id}.json` }, content],
    [{ name: "layer.tar" }, layer],
    [{ name: "manifest.json" }, Buffer.from(JSON.stringify(manifest))],
  ]);
  return { id: `sha256:${id}`, archive };
}

/** One of `testImages` as a file: an image that `docker save` would write. */
export async function testImageArchive(tag: string): Promise<Buffer> {
  const images = await makeTestImages();
  const found = images.find(({ archive }) => archive.includes(`"${tag}"`));
  if (found === undefined) throw new Error(`${tag} is no test image`);
  return found.archive;
}

async function makeTestImages(): Promise<readonly ImageArchive[]> {
  const layer = await busyboxLayer();
  const arch = architectures[process.arch as keyof typeof architectures];
  const base = { Env: ["PATH=/bin"], Cmd: ["/bin/sh"], User: "65534" };
  const { User: _, ...rootless } = base;
  return Promise.all([
    makeImage(testImages.busybox, layer, base, arch),
    makeImage(testImages.busybox2, layer, { ...base, Labels: { version: "2" } }, arch),
    makeImage(testImages.root, layer, rootless, arch),
    makeImage(testImages.volume, layer, { ...base, Volumes: { "/data": {} } }, arch),
    makeImage(testImages.greeter, layer, { ...base, Cmd: ["sh", "-c", greeting] }, arch),
    makeImage(testImages.site, layer, { ...base, Cmd: ["sh", "-c", serving] }, arch),
    makeImage(testImages.foreign, layer, base, arch === "amd64" ? "arm64" : "amd64"),
  ]);
}

async function busyboxLayer(): Promise<Buffer> {
  requirePackages("images");
  const applets = spawnSync("/bin/busybox", ["--list"], { encoding: "utf8" }).stdout.split("\n").filter(Boolean);
  const links = applets
    .filter((name) => name !== "busybox")
    .map((name): Entry => [{ name: `bin/${name}`, type: "symlink", linkname: "busybox" }]);
  return tar([
    [{ name: "bin", type: "directory", mode: 0o755 }],
    [{ name: "bin/busybox", mode: 0o755 }, readFileSync("/bin/busybox")],
    ...links,
    [{ name: "etc", type: "directory", mode: 0o755 }],
    [{ name: "etc/passwd" }, Buffer.from("root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")],
    [{ name: "etc/group" }, Buffer.from("root:x:0:\nnogroup:x:65534:\n")],
    [{ name: "tmp", type: "directory", mode: 0o1777 }],
    [{ name: "www/tmp/test" }, Buffer.from("served\n")],
  ]);
}

async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const stream = pack();
  for (const [header, content] of entries)
    stream.entry({ mode: 0o644, mtime: epoch, uid: 0, gid: 0, ...header }, content ?? Buffer.alloc(0));
  stream.finalize();
  return buffer(stream);
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
