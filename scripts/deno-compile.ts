// `npm run build:deno`: dist/edge.mjs as an executable of Deno's own, dist/edge-deno. DENORT_BIN names the runtime that
// goes into it, of the version of the lock file; Deno would download it, and nothing is downloaded here.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { builtAddon } from "./addon.ts";
import { bundleFile, bundleModule } from "./bundle.ts";
import { debianPackages, install } from "./installer.ts";

const output = "dist/edge-deno";

async function compile(): Promise<number> {
  if (!process.env.DENORT_BIN) {
    console.error("DENORT_BIN must name a denort, the runtime of `deno compile`: it is not set");
    return 2;
  }
  install([debianPackages(["executables"])], console.log);
  await bundleModule(bundleFile, builtAddon);
  // In a folder of its own: beside a package.json it would take in all of node_modules.
  const folder = mkdtempSync(join(tmpdir(), "edge-deno-"));
  try {
    copyFileSync(bundleFile, join(folder, "edge.mjs"));
    const args = ["compile", "--allow-all", "--no-config", "--output", resolve(output), "edge.mjs"];
    const env = { ...process.env, DENO_NO_PACKAGE_JSON: "1" };
    return spawnSync("deno", args, { cwd: folder, env, stdio: "inherit" }).status ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

process.exitCode = await compile();
