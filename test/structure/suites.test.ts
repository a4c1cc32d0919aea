import assert from "node:assert/strict";
import { type StdioOptions, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

/** Runs one test file the way the test command does. */
function counts(content: string, more: NodeJS.ProcessEnv = {}): unknown {
  const folder = mkdtempSync(join(tmpdir(), "edge-suites-"));
  try {
    const file = join(folder, "some.test.ts");
    writeFileSync(file, content);
    // Inside a test the runner refuses to run others, as long as it knows of it.
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined, ...more };
    const stdio: StdioOptions = ["ignore", "ignore", "ignore", "pipe"];
    const run = spawnSync(process.execPath, ["scripts/run-suites.ts", file], { env, stdio, encoding: "utf8" });
    return JSON.parse(run.output[3] ?? "");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the count of tests", () => {
  const head = `import { describe, test } from "node:test";\n`;

  test("includes tests and not their groups", () => {
    const content = `${head}describe("a", () => { test("b", () => {}); test("c", () => {}); test.skip("d"); });`;
    assert.deepEqual(counts(content), { passed: 2, failed: 0 });
  });

  test("includes a failure", () => {
    const content = `${head}test("a", () => {}); test("b", () => { throw new Error("c"); });`;
    assert.deepEqual(counts(content), { passed: 1, failed: 1 });
  });

  test("reports a file without a test as failed", () => assert.deepEqual(counts("void 0;"), { passed: 0, failed: 1 }));

  test("reports a file that throws as failed", () =>
    assert.deepEqual(counts(`${head}throw new Error("a");`), { passed: 0, failed: 1 }));

  test("reports a file that ends early as failed", () =>
    assert.deepEqual(counts(`${head}test("a", () => process.exit(3));`), { passed: 0, failed: 1 }));

  test("reports a file that hangs outside its tests as failed", () => {
    const content = `${head}test("a", () => {}); setInterval(() => {}, 1_000); await new Promise(() => {});`;
    assert.deepEqual(counts(content, { EDGE_FILE_SECONDS: "1" }), { passed: 1, failed: 1 });
  });

  test("rejects a part of a name that no file has", () => {
    const run = spawnSync(process.execPath, ["scripts/test.ts", "no-such-file"], { encoding: "utf8" });
    assert.notEqual(run.status, 0);
    assert.match(run.stderr, /No test file/);
  });
});
