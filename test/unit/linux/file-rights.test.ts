import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { noRightSentence } from "../../../src/linux/file-rights.ts";

test("a user without the right is told who has it and what to do", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "edge-rights-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "edge.sock");
  writeFileSync(path, "");
  // A group that /etc/group does not name is called by its number.
  if (process.getgid?.() === 0) chownSync(path, 0, 61_234);
  chmodSync(path, 0o660);
  const head = `This user may not use ${path}, only root and the group `;
  const joinable = noRightSentence(path, { verb: "use", joinable: true });
  const [group = ""] = joinable.slice(head.length).split(" ");
  assert.equal(
    joinable,
    `${head}${group} may. Run the command with sudo, or let this user join the group: sudo usermod -aG ${group} USER`,
  );
  assert.equal(
    noRightSentence(path, { verb: "use", joinable: false }),
    `${head}${group} may. Run the command with sudo`,
  );
  chmodSync(path, 0o640);
  const onlyRoot = `This user may not use ${path}, only root may. Run the command with sudo`;
  assert.equal(noRightSentence(path, { verb: "use", joinable: true }), onlyRoot);
  assert.match(
    noRightSentence(path, { verb: "read", joinable: true }),
    /^This user may not read .*, only root and the/,
  );
  assert.match(noRightSentence(join(folder, "nothing"), { verb: "read", joinable: true }), /, only root may\./);
});
