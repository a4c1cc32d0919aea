import assert from "node:assert/strict";
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { openSecrets, type Secrets } from "../../../src/sqlite/secrets.ts";

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "edge-secrets-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

function secretsIn(dir: string): Secrets {
  const opened = openSecrets(dir);
  assert.ok(opened.ok);
  return opened.secrets;
}

describe("openSecrets()", () => {
  it("decrypts a sealed text, also after a restart", (t) => {
    const dir = folder(t);
    const sealed = secretsIn(dir).seal("päss", "credentials/registry");
    assert.equal(sealed.sealed.includes("päss"), false);
    assert.equal(secretsIn(dir).open(sealed, "credentials/registry"), "päss");
  });

  it("seals the same text differently each time", (t) => {
    const secrets = secretsIn(folder(t));
    assert.notDeepEqual(secrets.seal("a", "p").sealed, secrets.seal("a", "p").sealed);
  });

  it("rejects a sealed text that was moved, changed, cut or sealed by another device", (t) => {
    const secrets = secretsIn(folder(t));
    const secret = secrets.seal("text", "a");
    assert.equal(secrets.open(secret, "b"), null);
    for (const at of [0, 12, secret.sealed.length - 1]) {
      const changed = Buffer.from(secret.sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.equal(secrets.open({ ...secret, sealed: changed }, "a"), null);
    }
    assert.equal(secrets.open({ ...secret, sealed: secret.sealed.subarray(0, 20) }, "a"), null);
    assert.equal(secretsIn(folder(t)).open(secret, "a"), null);
  });

  it("creates a key file that only its owner may read", (t) => {
    const dir = folder(t);
    secretsIn(dir);
    const file = join(dir, "device.key");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    chmodSync(file, 0o644);
    secretsIn(dir);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it("seals with the last key and decrypts with every key", (t) => {
    const dir = folder(t);
    const old = secretsIn(dir).seal("old", "p");
    appendFileSync(join(dir, "device.key"), `${"0".repeat(16)} ${Buffer.alloc(32, 7).toString("base64")}\n`);
    const secrets = secretsIn(dir);
    assert.equal(secrets.open(old, "p"), "old");
    assert.equal(secrets.seal("new", "p").keyId, "0".repeat(16));
  });

  it("does not overwrite a key file that it cannot read", (t) => {
    const dir = folder(t);
    writeFileSync(join(dir, "device.key"), "something else");
    assert.equal(openSecrets(dir).ok, false);
    assert.equal(readFileSync(join(dir, "device.key"), "utf8"), "something else");
  });
});
