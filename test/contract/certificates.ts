import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensurePackages } from "../../scripts/debian.ts";

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Certificates {
  readonly ca: Buffer;
  /** For 127.0.0.1 and the name center.test. */
  readonly center: Certificate;
  readonly node: Certificate;
}

/** A certificate authority of its own, with one certificate for each end. */
export function makeCertificates(): Certificates {
  ensurePackages(["openssl"], console.log);
  const dir = mkdtempSync(join(tmpdir(), "edge-certificates-"));
  try {
    openssl(dir, ...newKey("ca"), "-x509", "-subj", "/CN=Test CA", "-days", "2", "-out", "ca.pem");
    return {
      ca: readFileSync(join(dir, "ca.pem")),
      center: issue(dir, "center", "subjectAltName=IP:127.0.0.1,DNS:center.test"),
      node: issue(dir, "node", "subjectAltName=DNS:edge-1"),
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function issue(dir: string, name: string, extensions: string): Certificate {
  writeFileSync(join(dir, `${name}.ext`), extensions);
  openssl(dir, ...newKey(name), "-subj", `/CN=${name}`, "-out", `${name}.csr`);
  const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
  openssl(dir, "x509", "-req", "-in", `${name}.csr`, ...signer, "-extfile", `${name}.ext`, "-out", `${name}.pem`);
  return { cert: readFileSync(join(dir, `${name}.pem`)), key: readFileSync(join(dir, `${name}.key`)) };
}

function newKey(name: string): readonly string[] {
  return ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${name}.key`];
}

function openssl(dir: string, ...args: readonly string[]): void {
  const run = spawnSync("openssl", args, { cwd: dir, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`openssl ${args.join(" ")} failed: ${run.stderr}`);
}
