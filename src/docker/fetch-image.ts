import { Readable } from "node:stream";
import type Docker from "dockerode";
import type { LayerNews } from "../core/image/pull-progress.ts";
import type { Engine, EngineResult, ImageInfo } from "../ports/engine.ts";
import { textAt } from "./answer.ts";
import { type Connection, request } from "./connection.ts";
import { failed, failure, streamedError } from "./errors.ts";
import { imageFacts, imageOversize } from "./image.ts";
import { layerNews } from "./layer-news.ts";
import { isReadable, jsonLines } from "./lines.ts";

/** An image that the engine has, by name or id. Throws what dockerode throws. */
export async function localImage(
  docker: Docker,
  operation: string,
  name: string,
  signal: AbortSignal,
): Promise<EngineResult<ImageInfo>> {
  const answer = await request(docker, "GET", `/images/${name}/json`, {}, signal);
  const oversize = imageOversize(answer);
  if (oversize !== null) return failed(failure(operation, "refused", oversize));
  const facts = imageFacts(answer, name);
  return facts === null
    ? failed(failure(operation, "failed", "The engine's answer has no image id"))
    : { ok: true, value: facts };
}

interface Pull {
  readonly name: string;
  readonly credentials: Parameters<Engine["pull"]>[1];
  readonly onBytes: () => void;
  readonly onLayerNews: (news: LayerNews) => void;
}

/** Fetches an image from its registry. Throws what dockerode throws. */
export async function pull(
  { docker, architecture }: Connection,
  { name, credentials, onBytes, onLayerNews }: Pull,
  signal: AbortSignal,
): Promise<EngineResult<ImageInfo>> {
  const auth = credentials === null ? undefined : authOf(credentials);
  // The platform picks from an image of many; with an image of one, docker 20.10 does not mind (hence the look below).
  const options = { fromImage: name, platform: `linux/${architecture}`, abortSignal: signal };
  const stream: unknown = await docker.createImage(auth, options);
  if (!isReadable(stream)) return failed(failure("pull", "failed", "The engine's answer is no stream"));
  for await (const line of jsonLines(stream)) {
    onBytes();
    const news = layerNews(line);
    if (news !== null) onLayerNews(news);
    const error = textAt(line, "errorDetail", "message") || textAt(line, "error");
    if (error !== "") return failed(streamedError("pull", error));
  }
  return fetchedImage({ docker, architecture }, "pull", name, signal);
}

interface ArchiveLoad {
  readonly name: string;
  readonly archive: AsyncIterable<Uint8Array>;
  readonly onBytes: () => void;
}

/** Loads an archive and looks up the image that is wanted of it. Throws what dockerode throws. */
export async function loadArchive(
  { docker, architecture }: Connection,
  { name, archive, onBytes }: ArchiveLoad,
  signal: AbortSignal,
): Promise<EngineResult<ImageInfo>> {
  const body = Readable.from(noted(archive, onBytes), { objectMode: false });
  const thrown: Error[] = [];
  body.once("error", (error) => thrown.push(error));
  try {
    const stream: unknown = await docker.loadImage(body, { abortSignal: signal });
    if (!isReadable(stream)) return failed(failure("load", "failed", "The engine's answer is no stream"));
    for await (const line of jsonLines(stream)) {
      onBytes();
      const error = textAt(line, "errorDetail", "message") || textAt(line, "error");
      if (error !== "") return failed(streamedError("load", error));
    }
  } catch (cause) {
    const [damage] = thrown;
    if (damage === undefined || signal.aborted) throw cause;
    return failed(failure("load", "failed", damage.message));
  } finally {
    body.destroy();
  }
  return fetchedImage({ docker, architecture }, "load", name, signal);
}

async function* noted(archive: AsyncIterable<Uint8Array>, onBytes: () => void): AsyncGenerator<Uint8Array> {
  for await (const piece of archive) {
    yield piece;
    onBytes();
  }
}

/** With containerd's image store an image of another machine passes for one of this name. */
async function fetchedImage(
  { docker, architecture }: Pick<Connection, "docker" | "architecture">,
  operation: "pull" | "load",
  name: string,
  signal: AbortSignal,
): Promise<EngineResult<ImageInfo>> {
  const image = await localImage(docker, operation, name, signal);
  if (image.ok && image.value.architecture !== architecture) {
    const message = `${name} is for ${image.value.architecture}, this device is ${architecture}`;
    return failed(failure(operation, "wrongArchitecture", message));
  }
  return image;
}

/** Body of X-Registry-Auth: Docker takes the token instead of a password where there is one. */
function authOf(credentials: NonNullable<Parameters<Engine["pull"]>[1]>): Readonly<Record<string, string>> {
  return {
    serveraddress: credentials.serverAddress,
    ...(credentials.username === undefined ? {} : { username: credentials.username }),
    ...(credentials.password === undefined ? {} : { password: credentials.password }),
    ...(credentials.identityToken === undefined ? {} : { identitytoken: credentials.identityToken }),
  };
}
