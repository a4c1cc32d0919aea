// `node run-suites.ts FILE...`: runs test files, two at a time, and writes how many tests passed and failed to file
// descriptor 3.
import { writeSync } from "node:fs";
import { resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import type { Counts } from "./check.ts";

/** A soak takes as long as it takes. */
const fileTimeoutMs = Number(process.env["EDGE_FILE_SECONDS"] ?? 240) * 1_000;

async function main(files: readonly string[]): Promise<void> {
  const heard = new Set<string>();
  const totals = { passed: 0, failed: 0 };
  const stream = run({ files: [...files], concurrency: 2, timeout: fileTimeoutMs });
  stream.on("test:pass", ({ name, file, details, skip, todo }) => {
    // A file that holds no test passes as a test of its own name.
    if (details.type === "suite" || files.includes(name)) return;
    heard.add(file ?? "");
    if (skip === undefined && todo === undefined) totals.passed += 1;
  });
  stream.on("test:fail", ({ file, details, todo }) => {
    heard.add(file ?? "");
    if (details.type !== "suite" && todo === undefined) totals.failed += 1;
  });
  for await (const chunk of stream.compose(new spec())) process.stdout.write(chunk);
  const silent = files.filter((file) => !heard.has(resolve(file)));
  for (const file of silent) console.log(`✖ No test ran in ${file}`);
  const counts: Counts = { passed: totals.passed, failed: totals.failed + silent.length };
  writeSync(3, JSON.stringify(counts));
}

await main(process.argv.slice(2));
