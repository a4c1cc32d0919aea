const block = 512;

/** The files in a tar archive without long names, by name. Throws for one that ends too early, or is none. */
export function tarFiles(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const header = bytes.subarray(at, at + block);
    if (header.every((byte) => byte === 0)) return files;
    const size = Number.parseInt(header.toString("latin1", 124, 135), 8);
    if (header.toString("latin1", 257, 262) !== "ustar" || !Number.isInteger(size))
      throw new Error("Invalid tar header");
    const end = at + block + size;
    if (end > bytes.length) break;
    const [name = ""] = header.toString("latin1", 0, 100).split("\0");
    files.set(name, bytes.subarray(at + block, end));
    at = end + ((block - (size % block)) % block);
  }
  throw new Error("Unexpected end of data");
}
