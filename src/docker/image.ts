import type { ImageInfo } from "../ports/engine.ts";
import { at, keysAt, textAt, textsAt } from "./answer.ts";

/**
 * An image name as Docker takes it, and nothing that could mean another path of its API. Docker judges the rest itself; an
 * id is a name too.
 */
const imageName =
  /^[A-Za-z0-9][A-Za-z0-9._-]*(?::[0-9]+)?(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*(?::[A-Za-z0-9_][A-Za-z0-9._-]*)?(?:@[A-Za-z0-9]+:[0-9A-Fa-f]+)?$/;

/** Whether this can be an image's name or id. */
export function isImageName(name: string): boolean {
  return name.length <= 512 && imageName.test(name);
}

/** The name with `:latest` where it has neither tag nor digest: a bare name would pull every tag there is. */
export function taggedName(name: string): string {
  const last = name.slice(name.lastIndexOf("/") + 1);
  return last.includes(":") || last.includes("@") ? name : `${name}:latest`;
}

/** Buildpacks write labels of 100 KB; a list of 60 containers with as much as this is still an answer of an engine. */
const longestConfig = 256 * 1024;

/**
 * Why no container is made from an image: the engine repeats its configuration, labels and all, for each container in each
 * list, and a list that is too long would hide every other pod. Null for one that is fine.
 */
export function imageOversize(answer: unknown): string | null {
  const { length } = JSON.stringify(at(answer, "Config") ?? null);
  if (length <= longestConfig) return null;
  return `The image's configuration (labels, environment, volumes) has ${length} characters; expected at most ${longestConfig}`;
}

/** `GET /images/{name}/json` in the words of pods; null when it is no such answer. `name` picks among several digests. */
export function imageFacts(answer: unknown, name: string): ImageInfo | null {
  const id = textAt(answer, "Id");
  if (id === "") return null;
  const digest = digestFor(textsAt(answer, "RepoDigests"), name);
  return {
    id,
    ...(digest === undefined ? {} : { digest }),
    user: textAt(answer, "Config", "User"),
    architecture: textAt(answer, "Architecture"),
    volumes: keysAt(answer, "Config", "Volumes"),
  };
}

/** One image may have come from several registries: the digest under the name that was asked for, else any. */
function digestFor(digests: readonly string[], name: string): string | undefined {
  const repository = repositoryOf(name);
  return digests.find((digest) => repositoryOf(digest) === repository) ?? digests[0];
}

function repositoryOf(name: string): string {
  const [bare = ""] = name.split("@");
  const colon = bare.lastIndexOf(":");
  return colon > bare.lastIndexOf("/") ? bare.slice(0, colon) : bare;
}
