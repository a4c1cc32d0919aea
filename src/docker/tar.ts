const block = 512;

/** A file in an archive. */
export interface TarEntry {
  readonly name: string;
  readonly mode: number;
  readonly content: Buffer;
}

/** A tar archive of plain files (POSIX ustar): all of root's and of 1970, so that equal files make equal bytes. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap((entry) => [header(entry), padded(entry.content)]);
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

/** POSIX ustar: a plain file of root's, of 1970. */
function header({ name, mode, content }: TarEntry): Buffer {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, digits: number) =>
    bytes.write(`${value.toString(8).padStart(digits, "0")}\0`, at);
  bytes.write(name, 0);
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(content.length, 124, 11);
  octal(0, 136, 11);
  // The sum counts its own place as spaces.
  bytes.write("        0", 148);
  bytes.write("ustar\x0000", 257);
  octal(
    bytes.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  return bytes;
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((block - (content.length % block)) % block)]);
}
