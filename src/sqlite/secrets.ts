import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/** A secret as it stands in the database: nonce, ciphertext and tag in one, and the key it needs. */
export interface Sealed {
  readonly keyId: string;
  readonly sealed: Buffer;
}

/** Seals what came from the center as a secret, so that a copied database or a discarded disk block tells nothing. */
export interface Secrets {
  /** `place` names the row it is for; it opens nowhere else. */
  seal(text: string, place: string): Sealed;
  /** Null when its key is gone, when it was tampered with, or when it was sealed for another place. */
  open(secret: Sealed, place: string): string | null;
}

export type SecretsResult =
  | { readonly ok: true; readonly secrets: Secrets }
  | { readonly ok: false; readonly message: string; readonly isFull?: boolean };

const nonceBytes = 12;
const tagBytes = 16;
const keyLine = /^([0-9a-f]{16}) ([A-Za-z0-9+/]{43}=)$/;

/** Where the key of this device lives in the data folder. */
export function keyFile(dir: string): string {
  return join(dir, "device.key");
}

/**
 * The key of this device from `<dir>/device.key`, made if there is none. The file holds one key a line, its id before
 * it: the last one seals, all of them open. A file that does not read so is never written over.
 */
export function openSecrets(dir: string): SecretsResult {
  const file = keyFile(dir);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const text = readKeys(file) ?? makeKeys(dir, file);
    const keys = parseKeys(text);
    if (keys === null) return { ok: false, message: `${file} does not hold keys of this device` };
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    return { ok: true, secrets: secretsWith(keys) };
  } catch (error) {
    const { message = String(error), code } = Object(error) as Partial<NodeJS.ErrnoException>;
    return { ok: false, message: `${file} cannot be used: ${message}`, isFull: code === "ENOSPC" };
  }
}

/** The secrets of a data folder to read, without a key made or changed; null where this user cannot read the key. */
export function readSecrets(dir: string): Secrets | null {
  try {
    const keys = parseKeys(readKeys(keyFile(dir)) ?? "");
    return keys === null ? null : secretsWith(keys);
  } catch {
    return null;
  }
}

function secretsWith({ keys, current }: Keys): Secrets {
  return {
    seal(text, place) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", current.key, nonce, { authTagLength: tagBytes });
      cipher.setAAD(Buffer.from(place));
      const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return { keyId: current.id, sealed };
    },
    open({ keyId, sealed }, place) {
      const key = keys.get(keyId);
      if (key === undefined || sealed.length < nonceBytes + tagBytes) return null;
      const nonce = sealed.subarray(0, nonceBytes);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(sealed.subarray(-tagBytes));
      const text = decipher.update(sealed.subarray(nonceBytes, -tagBytes));
      try {
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch {
        return null;
      }
    },
  };
}

interface Keys {
  readonly keys: ReadonlyMap<string, Buffer>;
  readonly current: { readonly id: string; readonly key: Buffer };
}

function parseKeys(text: string): Keys | null {
  const keys = new Map<string, Buffer>();
  let current: Keys["current"] | null = null;
  for (const line of text.trimEnd().split("\n")) {
    const [, id, base64] = keyLine.exec(line) ?? [];
    if (id === undefined || base64 === undefined) return null;
    current = { id, key: Buffer.from(base64, "base64") };
    keys.set(id, current.key);
  }
  return current === null ? null : { keys, current };
}

function readKeys(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** On disk before it is used: a key lost with the power would take every secret sealed with it along. */
function makeKeys(dir: string, file: string): string {
  const text = `${randomBytes(8).toString("hex")} ${randomBytes(32).toString("base64")}\n`;
  const draft = `${file}.tmp`;
  rmSync(draft, { force: true });
  const made = openSync(draft, "wx", 0o600);
  writeSync(made, text);
  fsyncSync(made);
  closeSync(made);
  // A link, not a rename: it fails rather than replace a key file.
  linkSync(draft, file);
  rmSync(draft);
  const folder = openSync(dir, "r");
  fsyncSync(folder);
  closeSync(folder);
  return text;
}
