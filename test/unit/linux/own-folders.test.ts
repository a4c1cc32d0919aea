import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { whyNotOurs } from "../../../src/linux/install/own-folders.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-own-"));
after(() => rmSync(folder, { recursive: true }));

test("folders of the system are never purged", () => {
  for (const name of ["/", "/home", "/var", "/srv/", "//opt"])
    assert.match(whyNotOurs("/", name) ?? "", /is a folder of the system/, name);
  const link = join(folder, "link");
  symlinkSync("/home", link);
  assert.match(whyNotOurs(link, link) ?? "", /leads to a folder of the system/);
});

test("a folder with foreign files is not purged, and the agent's own folder is", () => {
  const data = join(folder, "data");
  assert.equal(whyNotOurs(data, "/var/lib/edge"), null);
  for (const name of ["pods", "images", "purge"]) mkdirSync(join(data, name), { recursive: true });
  for (const name of ["store.db", "store.db-wal", "store.db.damaged-1", "device.key", "agent.lock", "self-ended.json"])
    writeFileSync(join(data, name), "");
  assert.equal(whyNotOurs(data, "/var/lib/edge"), null);
  writeFileSync(join(data, "photo.jpg"), "");
  assert.equal(whyNotOurs(data, "/var/lib/edge"), "/var/lib/edge/photo.jpg is not the agent's");
});
