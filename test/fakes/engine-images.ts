import type { StoredImage } from "../../src/core/image/image-gc.ts";
import type { RegistryCredentials } from "../../src/core/image/registry-credentials.ts";
import { taggedName } from "../../src/docker/image.ts";
import { sandboxImage } from "../../src/docker/sandbox-image.ts";
import type { ImageInfo } from "../../src/ports/engine.ts";
import { refuse } from "./engine-calls.ts";
import type { Outcome } from "./engine-container.ts";
import type { Host } from "./engine-host.ts";
import { tarFiles } from "./tar-files.ts";

/** An image that a registry has. */
export interface Published {
  readonly image: ImageInfo;
  readonly credentials: Pick<RegistryCredentials, "username" | "password"> | undefined;
}

/** What the fake engine knows of images, its own and those of registries. */
export interface ImageShelf {
  readonly host: Host;
  readonly registry: ReadonlyMap<string, Published>;
  /** Whether any registry can be reached. */
  readonly network: boolean;
}

export function fakeSandboxImage(architecture: string): ImageInfo {
  const id = sandboxImage(architecture)?.id ?? "";
  return { id, user: "65535:65535", architecture, volumes: [] };
}

export function localImage(state: ImageShelf, nameOrId: string): Outcome<ImageInfo> {
  const images = state.host.images();
  const image = images.get(nameOrId) ?? images.get(taggedName(nameOrId));
  const found = image ?? [...images.values()].find(({ id }) => id === nameOrId);
  return found === undefined ? refuse("notFound", `No such image: ${nameOrId}`) : { value: found };
}

export function storedImages(host: Host): readonly StoredImage[] {
  const all = [...host.images()];
  const used = new Set(host.containers().map(({ image }) => image));
  return [...new Set(all.map(([, { id }]) => id))].map((id) => {
    const names = all.filter(([, image]) => image.id === id).map(([name]) => name);
    return { id, names, sizeBytes: 1_048_576, inUse: used.has(id) };
  });
}

export function imageRemoved(host: Host, id: string): Outcome<void> {
  const user = host.containers().find(({ image }) => image === id);
  if (user !== undefined) return refuse("conflict", `unable to delete ${id}: image is being used by ${user.id}`);
  return { value: host.removeImage(id) };
}

/** Takes the images of an archive in the format of `docker save`; the words are those of docker 20.10. */
export async function loaded(
  host: Host,
  name: string,
  archive: AsyncIterable<Uint8Array>,
  { architecture, onBytes }: { readonly architecture: string; readonly onBytes: () => void },
): Promise<Outcome<ImageInfo>> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of archive) {
      pieces.push(piece);
      onBytes();
    }
  } catch (error) {
    return refuse("failed", error instanceof Error ? error.message : String(error));
  }
  try {
    const files = tarFiles(Buffer.concat(pieces));
    const json = (file: string): unknown => JSON.parse(files.get(file)?.toString() ?? "null");
    for (const { Config, RepoTags } of json("manifest.json") as readonly SavedImage[]) {
      const { architecture: made, config } = json(Config) as SavedConfig;
      const id = `sha256:${Config.replace(".json", "")}`;
      for (const tag of RepoTags) host.addImage(tag, { id, user: config.User ?? "", architecture: made, volumes: [] });
    }
  } catch {
    return refuse("failed", "Error processing tar file(exit status 1): unexpected EOF");
  }
  const image = host.images().get(name);
  if (image === undefined) return refuse("notFound", `No such image: ${name}`);
  if (image.architecture === architecture) return { value: image };
  return refuse("wrongArchitecture", `${name} is for ${image.architecture}, this device is ${architecture}`);
}

interface SavedImage {
  readonly Config: string;
  readonly RepoTags: readonly string[];
}

interface SavedConfig {
  readonly architecture: string;
  readonly config: { readonly User?: string };
}

export function pulled(
  state: ImageShelf,
  name: string,
  credentials: RegistryCredentials | null,
  architecture: string,
): Outcome<ImageInfo> {
  if (!state.network) return refuse("registryUnreachable", `Get "https://${name}": dial tcp: i/o timeout`);
  const found = state.registry.get(name);
  if (found === undefined) return refuse("imageNotFound", `manifest for ${name} not found: manifest unknown`);
  const { image, credentials: wanted } = found;
  if (
    wanted !== undefined &&
    (credentials?.username !== wanted.username || credentials?.password !== wanted.password)
  ) {
    return refuse("registryAuth", `Get "https://${name}": unauthorized: authentication required`);
  }
  state.host.addImage(name, image);
  if (image.architecture === architecture) return { value: image };
  return refuse("wrongArchitecture", `${name} is for ${image.architecture}, this device is ${architecture}`);
}
