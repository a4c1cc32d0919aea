// The program as one file of JavaScript. As a command: dist/edge.mjs, which runs alone on Node and on Deno.
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { type Architecture, architectures } from "./runtimes.ts";

export const bundleFile = "dist/edge.mjs";

/** dockerode's ways to ssh:// and to building images, which nothing here takes; they are most of its size. */
const unused = [
  ...["ssh2", "cpu-features", "@grpc/grpc-js", "@grpc/proto-loader", "protobufjs"],
  ...["tar-fs", "@balena/dockerignore"],
];
/** Node's own streams for the copy of them that docker-modem brings along. */
const alias = { "readable-stream": "node:stream" };

/** What CommonJS packages expect to find in a module. */
const banner = [
  "#!/usr/bin/env node",
  `import{createRequire as __createRequire}from"node:module";`,
  "const require=__createRequire(import.meta.url);",
  `const __dirname=import.meta.dirname??"/",__filename=import.meta.filename??"/edge.mjs";`,
].join("\n");

/** SQLite's native code for an architecture. It lives outside of what its package exports. */
export function addonFile(architecture: Architecture): string {
  return `node_modules/better-sqlite3/prebuilds/linux-${architecture}.node`;
}

/** An ES module that carries the addons of every architecture. */
export async function bundleModule(outfile: string): Promise<void> {
  const inject = ["embedded-addons"];
  await bundle({ outfile, format: "esm", banner: { js: banner }, inject, plugins: [emptyModules, embeddedAddons] });
  chmodSync(outfile, 0o755);
}

/** What an executable runs: CommonJS, without an addon. Returns what it was made from. */
export async function bundleScript(outfile: string): Promise<Metafile> {
  const define = { "import.meta.url": `""` };
  return bundle({ outfile, format: "cjs", define, plugins: [emptyModules] });
}

async function bundle({
  define,
  ...options
}: Omit<BuildOptions, "metafile"> & { readonly outfile: string }): Promise<Metafile> {
  mkdirSync(dirname(options.outfile), { recursive: true });
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
  const { metafile } = await build({
    entryPoints: ["src/main.ts"],
    bundle: true,
    platform: "node",
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    alias,
    logLevel: "warning",
    metafile: true,
    define: { builtVersion: JSON.stringify(manifest.version), ...define },
    ...options,
  });
  return metafile;
}

const emptyModules: Plugin = {
  name: "empty-modules",
  setup: ({ onResolve, onLoad }) => {
    const filter = new RegExp(`^(?:${unused.join("|")})(?:/|$)`);
    onResolve({ filter }, ({ path }) => ({ path, namespace: "empty" }));
    onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "module.exports = {};", loader: "js" }));
  },
};

/** Addons as text, so that only the one that is needed is ever decoded. */
const embeddedAddons: Plugin = {
  name: "embedded-addons",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^embedded-addons$/ }, ({ path }) => ({ path, namespace: "addons", sideEffects: false }));
    onLoad({ filter: /.*/, namespace: "addons" }, () => {
      const addons = Object.fromEntries(architectures.map((name) => [name, compressed(addonFile(name))]));
      return { contents: `export const embeddedAddons = ${JSON.stringify(addons)};`, loader: "js" };
    });
  },
};

function compressed(file: string): string {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 22 };
  return brotliCompressSync(readFileSync(file), { params }).toString("base64");
}

if (import.meta.main) await bundleModule(bundleFile);
