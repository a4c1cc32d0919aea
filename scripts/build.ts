// `npm run build`: everything that is given out, in dist.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { builtAddon } from "./addon.ts";
import { bundleFile, bundleModule, bundleScript } from "./bundle.ts";
import { executableFile, makeExecutable } from "./executable.ts";
import { debianPackages, executableRuntimes, install } from "./installer.ts";
import { architectures } from "./runtimes.ts";
import { billOfMaterials } from "./sbom.ts";

const sbomFile = "dist/sbom.cdx.json";

/** Makes everything anew; returns the files. */
async function buildAll(): Promise<readonly string[]> {
  console.log(
    "After the installation the build takes about 15 s; the first build also compiles SQLite, about 2 minutes.",
  );
  install([debianPackages(["executables"]), executableRuntimes()], console.log);
  rmSync("dist", { recursive: true, force: true });
  mkdirSync("dist");
  console.log(`Making ${bundleFile}`);
  await bundleModule(bundleFile, (architecture) =>
    builtAddon(architecture, () => console.log(`Compiling SQLite for ${architecture}: about a minute, and only once`)),
  );
  const folder = mkdtempSync(join(tmpdir(), "edge-build-"));
  try {
    const script = join(folder, "edge.cjs");
    const metafile = await bundleScript(script);
    for (const architecture of architectures) {
      console.log(`Making ${executableFile(architecture)}`);
      await makeExecutable(architecture, script, executableFile(architecture));
    }
    writeFileSync(sbomFile, `${JSON.stringify(billOfMaterials(metafile), null, 2)}\n`);
    const files = [bundleFile, ...architectures.map(executableFile), sbomFile];
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

for (const file of await buildAll()) console.log(`${file}  ${sizeOf(file)}`);

function sizeOf(file: string): string {
  const { size } = statSync(file);
  return size < 1e6 ? `${Math.ceil(size / 1e3)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}
