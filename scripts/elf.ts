import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * The newest version of each library's interface that an ELF file of any architecture asks for, by the library's word for
 * it: `{ GLIBC: "2.28", GLIBCXX: "3.4.21" }`. Empty for a static program. Throws when the file is no ELF file.
 */
export async function newestVersions(file: string): Promise<Readonly<Record<string, string>>> {
  const { stdout, stderr } = await promisify(execFile)("readelf", ["--wide", "--version-info", file], {
    maxBuffer: 1 << 28,
  });
  if (/Not an ELF file/.test(stderr)) throw new Error(`${file} is no ELF file`);
  const newest = new Map<string, string>();
  for (const [, library = "", version = ""] of stdout.matchAll(/Name: ([A-Z]+)_([0-9.]+)\s+Flags/g)) {
    const known = newest.get(library);
    if (known === undefined || isNewer(version, known)) newest.set(library, version);
  }
  return Object.fromEntries(newest);
}

/** Whether one version, as `2.28`, is newer than another. */
export function isNewer(version: string, other: string): boolean {
  return version.localeCompare(other, "en", { numeric: true }) > 0;
}
