const untidy = /\/\.?(?:\/|$)/;

/** A path without doubled or trailing slashes and without `.`; those here hold no `..` (the Pod Update document). */
export function cleanPath(path: string): string {
  if (path.startsWith("/") && !untidy.test(path)) return path;
  return `/${path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/")}`;
}

/** Whether `path` lies below `folder`, both cleaned; a folder does not lie below itself. */
export function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder === "/" ? "/" : `${folder}/`) && path !== folder;
}

/** Every folder above a cleaned path, `/` included. */
export function foldersAbove(path: string): readonly string[] {
  const folders: string[] = [];
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) folders.push(path.slice(0, end));
  return path === "/" ? [] : [...folders, "/"];
}

/** A list of the owner's paths, made ready to be asked often. */
export type PathList = (path: string) => boolean;

/**
 * Whether a list allows a cleaned path: exactly, or below an entry that ends in `/**` (decisions.md 20: no link
 * may lead out of what is allowed).
 */
export function pathList(entries: readonly string[]): PathList {
  const exact = new Set(entries.filter((entry) => !entry.endsWith("/**")).map(cleanPath));
  const below = entries.filter((entry) => entry.endsWith("/**")).map((entry) => cleanPath(entry.slice(0, -3)));
  return (path) => exact.has(path) || below.some((folder) => isBelow(path, folder));
}
