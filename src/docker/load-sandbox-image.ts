import { Readable } from "node:stream";
import type Docker from "dockerode";
import type { EngineResult, ImageInfo } from "../ports/engine.ts";
import { textAt, textsAt } from "./answer.ts";
import { type Connection, request } from "./connection.ts";
import { failed, failure, statusOf, streamedError } from "./errors.ts";
import { imageFacts } from "./image.ts";
import { isReadable, jsonLines } from "./lines.ts";
import { type SandboxImage, sandboxImage } from "./sandbox-image.ts";

const operation = "ensureSandboxImage";

/**
 * The sandbox image as the engine has it, loaded from the program where it is not there or another one has its name. No
 * registry is asked. The id is the engine's to say: with containerd's image store it is not the one of the archive.
 */
export async function ensureSandboxImage(
  { docker, architecture }: Connection,
  signal: AbortSignal,
): Promise<EngineResult<ImageInfo>> {
  const image = sandboxImage(architecture);
  if (image === null) {
    const message = `There is no sandbox image for the engine's architecture, which is ${architecture}`;
    return failed(failure(operation, "wrongArchitecture", message));
  }
  const found = await storedSandboxImage(docker, image, signal);
  if (found !== null) return { ok: true, value: found };
  const stream: unknown = await docker.loadImage(Readable.from([image.archive]), { abortSignal: signal });
  if (!isReadable(stream)) return failed(failure(operation, "failed", "The engine's answer is no stream"));
  for await (const line of jsonLines(stream)) {
    const error = textAt(line, "errorDetail", "message") || textAt(line, "error");
    if (error !== "") return failed(streamedError(operation, error));
  }
  const loaded = await storedSandboxImage(docker, image, signal);
  if (loaded !== null) return { ok: true, value: loaded };
  return failed(failure(operation, "failed", `The engine accepted the sandbox image but has no image ${image.tag}`));
}

/** What the engine has under the image's name, null unless it is that image: the same files, started the same way. */
async function storedSandboxImage(
  docker: Docker,
  { tag, layer, user, entrypoint }: SandboxImage,
  signal: AbortSignal,
): Promise<ImageInfo | null> {
  try {
    const answer = await request(docker, "GET", `/images/${tag}/json`, {}, signal);
    const [onlyLayer, ...others] = textsAt(answer, "RootFS", "Layers");
    const program = textsAt(answer, "Config", "Entrypoint");
    if (onlyLayer !== layer || others.length > 0 || program.join("\0") !== entrypoint.join("\0")) return null;
    const facts = imageFacts(answer, tag);
    return facts?.user === user ? facts : null;
  } catch (cause) {
    if (statusOf(cause) !== 404) throw cause;
    return null;
  }
}
