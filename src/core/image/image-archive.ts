import { isObject } from "../base/json-keys.ts";
import { isImageName } from "../pod/image-name.ts";
import { familiarName } from "./image-gc.ts";

/** What is known of an archive of images without reading it again. */
export interface KnownArchive {
  /** Name of the file. */
  readonly name: string;
  /** Another text once the file has changed; "" for what is no file that could be read. */
  readonly version: string;
  /** The images in it, as `familiarName` writes them. */
  readonly images: readonly string[];
  /** Why it is not used; null if it is. */
  readonly problem: string | null;
}

/** The files of an archive that list its images, as text; null for one that the archive does not have. */
export interface ArchiveLists {
  /** `manifest.json` of `docker save`. */
  readonly manifest: string | null;
  /** `index.json` of an OCI image layout. */
  readonly index: string | null;
}

export type ArchiveNames =
  | { readonly ok: true; readonly images: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** Names of one archive; an archive with more is rejected. */
const mostArchiveImages = 64;

/**
 * The names of the images in an archive, as `familiarName` writes them: `RepoTags` of `manifest.json` (docker save), and of
 * `index.json` the annotations io.containerd.image.name and org.opencontainers.image.ref.name (OCI image specification:
 * annotations). A ref.name that is only a tag names no image.
 */
export function archiveNames({ manifest, index }: ArchiveLists): ArchiveNames {
  if (manifest === null && index === null) return rejected("it has neither a manifest.json nor an index.json");
  const lists = [parsed(manifest), parsed(index)];
  if (lists.includes(undefined)) return rejected("its manifest.json or index.json is no JSON");
  const found = [...tagsOf(lists[0]), ...annotationsOf(lists[1])];
  const images = new Set(found.filter(isImageName).map(familiarName));
  if (images.size === 0) return rejected("it names no image; save the image by its name, not by its id");
  if (images.size > mostArchiveImages) return rejected(`it names ${images.size} images; at most ${mostArchiveImages}`);
  return { ok: true, images: [...images].sort() };
}

/** The archive from which an image is loaded: the first by name that holds it and can be used; null for none. */
export function archiveWith(known: readonly KnownArchive[], image: string): KnownArchive | null {
  const wanted = familiarName(image);
  return known.find(({ images, problem }) => problem === null && images.includes(wanted)) ?? null;
}

function rejected(message: string): ArchiveNames {
  return { ok: false, message };
}

/** null for no text, undefined for one that is no JSON. */
function parsed(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function tagsOf(manifest: unknown): readonly string[] {
  return listOf(manifest).flatMap((image) => listOf(fieldOf(image, "RepoTags")).filter(isText));
}

function annotationsOf(index: unknown): readonly string[] {
  return listOf(fieldOf(index, "manifests")).flatMap((image) => {
    const annotations = fieldOf(image, "annotations");
    const full = fieldOf(annotations, "io.containerd.image.name");
    if (isText(full)) return [full];
    const reference = fieldOf(annotations, "org.opencontainers.image.ref.name");
    return isText(reference) && /[:/]/.test(reference) ? [reference] : [];
  });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fieldOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
