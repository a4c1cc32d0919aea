// `npm run build`: everything that is given out, in dist.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { bundleFile, bundleModule, bundleScript } from "./bundle.ts";
import { makeExecutable } from "./executable.ts";
import { architectures, installRuntimes } from "./runtimes.ts";

/** Makes everything anew; returns the files. */
async function buildAll(): Promise<readonly string[]> {
  rmSync("dist", { recursive: true, force: true });
  mkdirSync("dist");
  await bundleModule(bundleFile);
  const folder = mkdtempSync(join(tmpdir(), "edge-build-"));
  try {
    const script = join(folder, "edge.cjs");
    await bundleScript(script);
    installRuntimes();
    const executables = architectures.map((architecture) => makeExecutable(architecture, script, console.log));
    const files = [bundleFile, ...executables];
    writeFileSync("dist/SHA256SUMS", files.map(sumLine).join(""));
    return [...files, "dist/SHA256SUMS"];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As `sha256sum --check` reads it. */
function sumLine(file: string): string {
  return `${createHash("sha256").update(readFileSync(file)).digest("hex")}  ${basename(file)}\n`;
}

for (const file of await buildAll()) console.log(`${file}  ${(statSync(file).size / 1e6).toFixed(1)} MB`);
