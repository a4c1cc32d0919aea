// `npm run build`: dist/edge.mjs, one file that runs alone on Node and on Deno.
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { build, type Plugin } from "esbuild";

/** The addons live here, outside of what their package exports. */
const prebuilds = "node_modules/better-sqlite3/prebuilds";

/** dockerode's ways to ssh:// and to BuildKit, which nothing here takes; they are three quarters of its size. */
const unused = ["ssh2", "cpu-features", "@grpc/grpc-js", "@grpc/proto-loader", "protobufjs"];

/** What CommonJS packages expect to find in a module. */
const banner = [
  "#!/usr/bin/env node",
  `import{createRequire as __createRequire}from"node:module";`,
  "const require=__createRequire(import.meta.url);",
  `const __dirname=import.meta.dirname??"/",__filename=import.meta.filename??"/edge.mjs";`,
].join("\n");

/** Bundles an entry of the program into one file. */
export async function bundle(entry: string, outfile: string): Promise<void> {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
    banner: { js: banner },
    define: { builtVersion: JSON.stringify(manifest.version) },
    inject: ["embedded-addons"],
    plugins: [emptyModules, embeddedAddons],
  });
  chmodSync(outfile, 0o755);
}

const emptyModules: Plugin = {
  name: "empty-modules",
  setup: ({ onResolve, onLoad }) => {
    const filter = new RegExp(`^(?:${unused.join("|")})(?:/|$)`);
    onResolve({ filter }, ({ path }) => ({ path, namespace: "empty" }));
    onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "module.exports = {};", loader: "js" }));
  },
};

/** Both addons as text, so that only the one that is needed is ever decoded. */
const embeddedAddons: Plugin = {
  name: "embedded-addons",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^embedded-addons$/ }, ({ path }) => ({ path, namespace: "addons", sideEffects: false }));
    onLoad({ filter: /.*/, namespace: "addons" }, () => {
      const addons = { x64: compressed("linux-x64.node"), arm64: compressed("linux-arm64.node") };
      return { contents: `export const embeddedAddons = ${JSON.stringify(addons)};`, loader: "js" };
    });
  },
};

function compressed(name: string): string {
  const bytes = readFileSync(join(prebuilds, name));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 22 };
  return brotliCompressSync(bytes, { params }).toString("base64");
}

if (import.meta.main) {
  const file = "dist/edge.mjs";
  rmSync("dist", { recursive: true, force: true });
  mkdirSync("dist");
  try {
    await bundle("src/main.ts", file);
    console.log(`${file}  ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  } catch {
    // esbuild has said what is wrong.
    process.exitCode = 1;
  }
}
