import type Docker from "dockerode";
import type { StoredImage } from "../core/image/image-gc.ts";
import type { EngineResult } from "../ports/engine.ts";
import { numberAt, textAt, textsAt } from "./answer.ts";
import { request } from "./connection.ts";
import { failed, failure, statusOf } from "./errors.ts";

/** Docker's name for an image that has none. */
const nameless = "<none>:<none>";

/** Throws what dockerode throws. The images come first: a container made in between counts. */
export async function storedImages(docker: Docker, signal: AbortSignal): Promise<readonly StoredImage[]> {
  const images = await list(docker, "/images/json?", {}, signal);
  const containers = await list(docker, "/containers/json?", { all: true }, signal);
  const used = new Set(containers.map((container) => textAt(container, "ImageID")));
  return images.map((image) => {
    const id = textAt(image, "Id");
    const names = textsAt(image, "RepoTags").filter((name) => name !== nameless);
    return { id, names, sizeBytes: numberAt(image, "Size"), inUse: used.has(id) };
  });
}

/**
 * By its id, which takes its one name along; by its names where it has several, since Docker would have to be forced.
 * Then nothing but the last name would be refused for a container, so containers are asked for beforehand. Throws what
 * dockerode throws, but not for an image that is gone.
 */
export async function removeImage(docker: Docker, id: string, signal: AbortSignal): Promise<EngineResult<void>> {
  try {
    const names = textsAt(await request(docker, "GET", `/images/${id}/json`, {}, signal), "RepoTags");
    // Not by the filter `ancestor`, which finds nothing on podman when it is given an id.
    const containers = names.length > 1 ? await list(docker, "/containers/json?", { all: true }, signal) : [];
    if (containers.some((container) => textAt(container, "ImageID") === id))
      return failed(failure("removeImage", "conflict", `A container was made from ${id}`));
    for (const name of names.length > 1 ? names : [id]) {
      await docker.getImage(name).remove({ force: false, noprune: false, abortSignal: signal });
    }
  } catch (cause) {
    if (statusOf(cause) !== 404) throw cause;
  }
  return { ok: true, value: undefined };
}

async function list(
  docker: Docker,
  path: string,
  query: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  const answer = await request(docker, "GET", path, query, signal);
  if (!Array.isArray(answer)) throw new TypeError(`The engine's answer to ${path} is no list`);
  return answer;
}
