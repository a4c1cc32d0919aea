// The program as one file of JavaScript. As a command: dist/edge.mjs, which runs alone on Node and on Deno.
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { packagedAddon } from "./addon.ts";
import { agentOptions } from "./executable.ts";
import { type Architecture, architectures } from "./runtimes.ts";

export const bundleFile = "dist/edge.mjs";

/** dockerode's ways to ssh:// and to building images, which nothing here takes; they are most of its size. */
const unused = [
  ...["ssh2", "cpu-features", "@grpc/grpc-js", "@grpc/proto-loader", "protobufjs"],
  ...["tar-fs", "@balena/dockerignore"],
];
/** Node's own streams for the copy of them that docker-modem brings along, and our mask for ws's optional addon. */
const alias = { "readable-stream": "node:stream", bufferutil: "./src/websocket/mask.ts" };

/** What CommonJS packages expect to find in a module. */
const banner = [
  "#!/usr/bin/env node",
  `import{createRequire as __createRequire}from"node:module";`,
  "const require=__createRequire(import.meta.url);",
  `const __dirname=import.meta.dirname??"/",__filename=import.meta.filename??"/edge.mjs";`,
].join("\n");

/**
 * An ES module that carries the addons of every architecture.
 * @param addonOf the package's own takes no compiler and a newer glibc; what is given out carries the compiled one
 */
export async function bundleModule(
  outfile: string,
  addonOf: (architecture: Architecture) => string | Promise<string> = packagedAddon,
): Promise<void> {
  // At once: each takes a minute where it has to be compiled.
  const files = await Promise.all(architectures.map(async (name) => [name, await addonOf(name)] as const));
  const plugins = [emptyModules, embeddedAddons(files)];
  await bundle({ outfile, format: "esm", banner: { js: banner }, inject: ["embedded-addons"], plugins });
  chmodSync(outfile, 0o755);
}

/**
 * What an executable runs: CommonJS, without an addon. Returns what it was made from.
 * @param options of V8, that the agent sets when it starts
 */
export async function bundleScript(outfile: string, options: readonly string[] = agentOptions()): Promise<Metafile> {
  const define = { "import.meta.url": `""`, builtOptions: JSON.stringify(options) };
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
const embeddedAddons = (files: readonly (readonly [Architecture, string])[]): Plugin => ({
  name: "embedded-addons",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^embedded-addons$/ }, ({ path }) => ({ path, namespace: "addons", sideEffects: false }));
    onLoad({ filter: /.*/, namespace: "addons" }, () => {
      const addons = Object.fromEntries(files.map(([name, file]) => [name, compressed(file)]));
      return { contents: `export const embeddedAddons = ${JSON.stringify(addons)};`, loader: "js" };
    });
  },
});

function compressed(file: string): string {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 22 };
  return brotliCompressSync(readFileSync(file), { params }).toString("base64");
}

if (import.meta.main) await bundleModule(bundleFile);
