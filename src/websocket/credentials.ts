import { createHash, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { Certificate } from "../core/protocol/certificate.ts";
import type { Credentials } from "../ports/link.ts";

/** Paths; null for what is not configured. */
export interface CredentialFiles {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** `user:password` on its first line, for basic authentication; readable by its owner alone. */
  readonly auth: string | null;
  /** The same for the proxy. */
  readonly proxyAuth?: string | null;
}

/** PEM texts. */
export interface LinkTls {
  /** Whose certificates are believed; the system's authorities when absent. */
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
}

/** The contents to dial with. They hold secrets: never to be logged. */
export interface LoadedCredentials extends Credentials {
  readonly tls: LinkTls;
  /** The value of the Authorization header. */
  readonly authorization: string | null;
  /** The value of the Proxy-Authorization header. */
  readonly proxyAuthorization: string | null;
}

/** Far more than a bundle of authorities has. */
const maxFileBytes = 4_194_304;
const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** No files: the system's authorities, and no name. */
export const noCredentials: LoadedCredentials = {
  version: "none",
  problem: null,
  certificates: [],
  tls: {},
  authorization: null,
  proxyAuthorization: null,
};

/** Reads the files at every call; what did not change is judged once. A file that cannot be used is a `problem`. */
export function credentialReader(files: CredentialFiles): () => LoadedCredentials {
  let last: LoadedCredentials | null = null;
  return () => {
    const read = readAll(files);
    if (last?.version !== read.version) last = { ...read, ...judged(files, read) };
    return last;
  };
}

type Read = Pick<LoadedCredentials, "version" | "problem" | "tls" | "authorization" | "proxyAuthorization">;

function readAll(files: CredentialFiles): Read {
  const problems: string[] = [];
  const digest = createHash("sha256");
  const take = (file: string | null, read: (file: string) => Buffer): Buffer | undefined => {
    if (file === null) return undefined;
    try {
      const content = read(file);
      digest.update(`${file} ${content.length}\n`).update(content);
      return content;
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  const tls = {
    ca: take(files.ca, readBounded),
    cert: take(files.cert, readBounded),
    key: take(files.key, readKey),
  };
  const authorization = basic(take(files.auth, readLogin));
  const proxyAuthorization = basic(take(files.proxyAuth ?? null, readLogin));
  const problem = problems[0] ?? null;
  return { version: digest.update(problem ?? "").digest("hex"), problem, tls, authorization, proxyAuthorization };
}

function basic(login: Buffer | undefined): string | null {
  return login === undefined ? null : `Basic ${login.toString("base64")}`;
}

function readBounded(file: string): Buffer {
  const { size } = statSync(file);
  if (size > maxFileBytes) throw new Error(`${file} has ${size} bytes; expected at most ${maxFileBytes}`);
  return readFileSync(file);
}

/** Throws if one of these bits of the mode is set: others could read the secret. */
function refuseIfOpen(file: string, bits: number, secret: "key" | "password"): void {
  const { mode } = statSync(file);
  if ((mode & bits) === 0) return;
  const whom = bits === 0o007 ? "everybody" : "others";
  throw new Error(
    `${file} is open to ${whom} (mode ${(mode & 0o777).toString(8)}) and holds a ${secret}. Run chmod 600 on it`,
  );
}

/** A group may read a key: ssl-cert of Debian is one. */
function readKey(file: string): Buffer {
  refuseIfOpen(file, 0o007, "key");
  return readBounded(file);
}

function readLogin(file: string): Buffer {
  refuseIfOpen(file, 0o077, "password");
  const [line = ""] = readBounded(file).toString("utf8").split(/\r?\n/);
  // RFC 7617: the name has no colon, neither part has control characters.
  if (!/^[^:\p{Cc}]+:\P{Cc}*$/u.test(line)) throw new Error(`${file} does not hold user:password on its first line`);
  return Buffer.from(line);
}

function judged(files: CredentialFiles, { tls, problem }: Read): Pick<Credentials, "problem" | "certificates"> {
  try {
    const certificates = [certificateOf(files.cert, tls.cert), certificateOf(files.ca, tls.ca)].filter(
      (certificate) => certificate !== null,
    );
    // What TLS itself would say: a key that does not fit, a file that is no PEM.
    createSecureContext(tls);
    return { problem, certificates };
  } catch (error) {
    const named = [files.ca, files.cert, files.key].filter((file) => file !== null).join(", ");
    const why = error instanceof Error ? error.message : String(error);
    return { problem: problem ?? `${named} cannot be used: ${why}`, certificates: [] };
  }
}

/** Of several certificates in one file the one that ends first. */
function certificateOf(file: string | null, pem: LinkTls["cert"]): Certificate | null {
  if (file === null || pem === undefined) return null;
  const all = (String(pem).match(certificatePattern) ?? []).map((text) => new X509Certificate(text));
  const first = all.toSorted((a, b) => a.validToDate.getTime() - b.validToDate.getTime())[0];
  if (first === undefined) throw new Error(`${file} holds no certificate`);
  return { file, notBefore: first.validFromDate.getTime(), notAfter: first.validToDate.getTime() };
}
