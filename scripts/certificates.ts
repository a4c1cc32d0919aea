import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CredentialFiles } from "../src/websocket/credentials.ts";
import { requirePackages } from "./packages.ts";

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Certificates {
  readonly ca: Buffer;
  /** For 127.0.0.1 and the name center.test. */
  readonly center: Certificate;
  readonly node: Certificate;
  /** Another certificate of the same authority. */
  issue(options: IssueOptions): Certificate;
  /** Nothing can be issued afterwards. */
  forget(): void;
}

export interface IssueOptions {
  readonly name: string;
  /** As openssl writes it: `IP:127.0.0.1,DNS:center.test`. */
  readonly altNames: string;
  /** Days from now; two days around now when absent. */
  readonly fromDay?: number;
  readonly toDay?: number;
}

/** The least that `openssl ca` wants: it is the one command that takes both ends of the validity. */
const caConfig = `[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = issued
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
`;

/** A certificate authority of its own, with one certificate for each end. They last `days` days. */
export function makeCertificates(days = 2): Certificates {
  requirePackages("certificates");
  const dir = mkdtempSync(join(tmpdir(), "edge-certificates-"));
  writeFileSync(join(dir, "ca.cnf"), caConfig);
  writeFileSync(join(dir, "index.txt"), "");
  mkdirSync(join(dir, "issued"));
  openssl(dir, ...newKey("ca"), "-x509", "-subj", "/CN=Test CA", "-days", String(days), "-out", "ca.pem");
  return {
    ca: readFileSync(join(dir, "ca.pem")),
    center: issue(dir, { name: "center", altNames: "IP:127.0.0.1,DNS:center.test", toDay: days }),
    node: issue(dir, { name: "node", altNames: "DNS:edge-1", toDay: days }),
    issue: (options) => issue(dir, options),
    forget: () => rmSync(dir, { recursive: true }),
  };
}

/** Makes a folder with what `edge center --tls` wants in it, and `node.pem` and `node-key.pem` for the device. */
export function writeCertificates(folder: string): void {
  // `edge status` notes the end of a certificate from 30 days before it.
  const { ca, center, node, forget } = makeCertificates(60);
  mkdirSync(folder, { recursive: true });
  const files = { ca, cert: center.cert, key: center.key, node: node.cert, "node-key": node.key };
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, `${name}.pem`), content, { mode: 0o600 });
  forget();
}

/** The part of the agent's configuration that names the files of `writeCertificates`. */
export function deviceTls(folder: string): Omit<CredentialFiles, "auth"> {
  return { ca: join(folder, "ca.pem"), cert: join(folder, "node.pem"), key: join(folder, "node-key.pem") };
}

function issue(dir: string, { name, altNames, fromDay = -1, toDay = 2 }: IssueOptions): Certificate {
  const request = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${altNames}`, "-out", `${name}.csr`];
  openssl(dir, ...newKey(name), ...request);
  const validity = ["-startdate", openSslTime(fromDay), "-enddate", openSslTime(toDay)];
  const signer = ["ca", "-config", "ca.cnf", "-batch", "-notext", "-cert", "ca.pem", "-keyfile", "ca.key"];
  openssl(dir, ...signer, ...validity, "-in", `${name}.csr`, "-out", `${name}.pem`);
  return { cert: readFileSync(join(dir, `${name}.pem`)), key: readFileSync(join(dir, `${name}.key`)) };
}

/** YYYYMMDDHHMMSSZ, so many days from now. */
function openSslTime(days: number): string {
  const time = new Date(Date.now() + days * 86_400_000).toISOString();
  return `${time.slice(0, 19).replaceAll(/[^0-9]/g, "")}Z`;
}

function newKey(name: string): readonly string[] {
  return ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${name}.key`];
}

function openssl(dir: string, ...args: readonly string[]): void {
  const run = spawnSync("openssl", args, { cwd: dir, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`openssl ${args.join(" ")} failed: ${run.stderr}`);
}
