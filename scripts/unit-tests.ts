// `npm run test:unit`: the unit tests in seconds, one process for each core. Tests that take longer than all others
// together are left to `npm test`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** Each takes 5 s and more: it measures, waits for time to pass, or judges thousands of samples. */
const slow: readonly string[] = [
  "core/regular-expressions.test.ts",
  "docker/timed-inspects.test.ts",
  "cli/validate-conformance.test.ts",
  "agent/costs.test.ts",
  "cli/agent-store.test.ts",
  "docker/connection.test.ts",
  "docker/admitted.test.ts",
];

const files = readdirSync("test/unit", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts") && !slow.includes(name))
  .sort()
  .map((name) => join("test/unit", name));

/** Without a process for each file: starting these takes longer than the tests. */
async function run(part: readonly string[]): Promise<boolean> {
  const args = ["--test", "--test-isolation=none", "--test-reporter=dot", ...part];
  const [code] = await once(spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] }), "exit");
  return code === 0;
}

const began = performance.now();
const cores = availableParallelism();
const parts = Array.from({ length: cores }, (_, core) => files.filter((_file, index) => index % cores === core));
const passed = await Promise.all(parts.map(run));
const seconds = Math.round((performance.now() - began) / 1000);
console.log(`\n${files.length} files in ${seconds} s; ${slow.length} slow ones are left to npm test`);
process.exitCode = passed.every(Boolean) ? 0 : 1;
