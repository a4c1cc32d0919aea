import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { whyNotLoaded } from "../../../src/sqlite/addon.ts";

describe("why SQLite cannot be loaded", () => {
  test("the error for an old C library names the required version", () => {
    const linker =
      "Error: /lib/aarch64-linux-gnu/libc.so.6: version `GLIBC_2.28' not found (required by /proc/self/fd/20)";
    assert.equal(
      whyNotLoaded([linker, linker]),
      "Cannot load SQLite: it needs glibc 2.28 or later and the libstdc++ of GCC 7 or later, and this machine lacks GLIBC_2.28",
    );
  });

  test("the error for another cause repeats its message once", () => {
    const denied = "Error: EACCES: permission denied, open '/dev/shm'";
    assert.equal(
      whyNotLoaded([denied, denied, "Error: failed to map"]),
      `Cannot load SQLite: ${denied}; Error: failed to map`,
    );
  });
});

test("the error for folders mounted noexec names the folders", () => {
  const said = whyNotLoaded([
    "Error: /proc/self/fd/21: failed to map segment from shared object",
    "Error: ENOSPC: no space left on device, write",
  ]);
  assert.match(said, /^Cannot load SQLite: .*\/dev\/shm, \/run, .*noexec, or name another folder in TMPDIR$/);
});
