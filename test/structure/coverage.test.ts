import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

/** What a random sample covers today it may not cover tomorrow. */
const random = "properties.test.ts";
const folder = "test/unit/core/admission";
const whole = ["lines", "branches", "functions"].map((what) => `--test-coverage-${what}=100`);

test("the tests of admission cover every line, branch and function of it", { timeout: 240_000 }, async () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts") && name !== random);
  const args = ["--test", "--experimental-test-coverage", "--test-coverage-include=src/core/admission/**", ...whole];
  // Node tells a test that it is one of a run, and then runs nothing of its own.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const said = await new Promise<string>((done) => {
    const line = [...args, ...files.map((name) => join(folder, name))];
    execFile(process.execPath, line, { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      done(error === null ? "" : `${stdout}${stderr}`),
    );
  });
  const missing = said.split("\n").filter((text) => /^ℹ .*\.ts +\|/.test(text) && !/(?:100\.00[ |]+){3}/.test(text));
  assert.equal(said === "" ? "" : missing.join("\n") || said.slice(-4_000), "");
});
