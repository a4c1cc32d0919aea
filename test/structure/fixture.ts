import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** Files of a small tree, by path. */
export type Files = Readonly<Record<string, string>>;

/** How a check of the small tree ended. */
export type Outcome = { readonly ok: boolean; readonly output: string };

const copied = [
  ".gitignore",
  "tsconfig.json",
  "tsconfig.core.json",
  "biome.json",
  "core-purity.grit",
  "knip.json",
  "scripts/check.ts",
  "scripts/record-lookups.ts",
  "scripts/structure.ts",
  "scripts/core-globals.d.ts",
];

const used = ["dockerode", "@types/dockerode", "@types/node", "dependency-cruiser", "typescript", "knip"];

const adapterText = (name: string): string => `import type { Text } from "../ports/text.ts";

/** A text of its own. */
export const ${name}: Text = { read: () => "" };
`;

/** One file a room, each with an import that is allowed there; nothing in it is wrong. */
const soundTree: Files = {
  "src/core/base/double.ts": `import { createHash } from "node:crypto";

/** Twice the text's hash. */
export function double(text: string): string {
  return createHash("sha256").update(text).digest("hex").repeat(2);
}
`,
  "src/ports/text.ts": `/** Where text comes from. */
export type Text = { readonly read: () => string };
`,
  "src/agent/loop/looking.ts": `import { double } from "../../core/base/double.ts";
import type { Text } from "../../ports/text.ts";

/** Reads once. */
export function look(text: Text): string {
  return double(text.read());
}
`,
  "src/docker/engine.ts": `import Docker from "dockerode";
import type { Text } from "../ports/text.ts";

/** The engine's address as text. */
export function engineText(socketPath: string): Text {
  return { read: () => String(new Docker({ socketPath }).modem) };
}
`,
  "src/sqlite/store.ts": adapterText("storeText"),
  "src/websocket/link.ts": adapterText("linkText"),
  "src/linux/clock.ts": adapterText("clockText"),
  "src/cli/run.ts": `import { look } from "../agent/loop/looking.ts";
import { engineText } from "../docker/engine.ts";
import { clockText } from "../linux/clock.ts";
import { storeText } from "../sqlite/store.ts";
import { linkText } from "../websocket/link.ts";

/** Looks everywhere. */
export function run(): readonly string[] {
  return [engineText("/socket"), clockText, storeText, linkText].map(look);
}
`,
  "src/main.ts": `import { run } from "./cli/run.ts";

console.log(run());
`,
  "test/double.test.ts": `import { double } from "../src/core/base/double.ts";

console.log(double(""));
`,
};

/** Writes the sound tree with some files changed or added, runs one step of the check in it, and removes it. */
export function checkTree(step: string, changed: Files): Outcome {
  const folder = mkdtempSync(join(tmpdir(), "edge-structure-"));
  try {
    for (const path of copied) cpSync(path, join(folder, path));
    symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
    const all: Files = { ...soundTree, "package.json": manifest(), ...changed };
    for (const [path, content] of Object.entries(all)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    const run = spawnSync(process.execPath, ["scripts/check.ts", step], { cwd: folder, encoding: "utf8" });
    return { ok: run.status === 0, output: `${run.stdout}${run.stderr}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the tree has in a file, to be added to. */
export function sound(path: string): string {
  const content = soundTree[path];
  if (content === undefined) throw new Error(`The sound tree has no ${path}`);
  return content;
}

/** Ours, with only the packages that the small tree uses: knip would name the rest. */
function manifest(): string {
  const ours = JSON.parse(readFileSync("package.json", "utf8")) as Record<string, Record<string, string>>;
  const keep = (names: Record<string, string> = {}): object =>
    Object.fromEntries(Object.entries(names).filter(([name]) => used.includes(name)));
  const { dependencies, devDependencies } = ours;
  const small = { name: "small", private: true, type: "module", scripts: { dead: "knip" } };
  return `${JSON.stringify({ ...small, dependencies: keep(dependencies), devDependencies: keep(devDependencies) }, null, 2)}\n`;
}
