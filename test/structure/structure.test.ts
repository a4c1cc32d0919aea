import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { subRooms } from "../../scripts/structure.ts";
import { checkTree, type Files, sound } from "./fixture.ts";

type Case = {
  readonly name: string;
  readonly files: Files;
  /** How the check must name what is wrong. */
  readonly says: RegExp;
};

const uses = (path: string, ...imports: readonly string[]): Files => ({
  [path]: `${imports.join("\n")}\n${sound(path)}`,
});

/** A file of core that is used, so that only what it holds is wrong. */
const inCore = (content: string): Files => ({ "src/core/base/broken.ts": content });

const aptGet = 'spawnSync(PROGRAM, ["install", "gcc"]);'.replace("PROGRAM", '"apt-get"');

const structureCases: readonly Case[] = [
  {
    name: "core imports a port",
    files: uses("src/core/base/double.ts", `import type {} from "../../ports/text.ts";`),
    says: /floor-core: src\/core\/base\/double.ts imports src\/ports\/text.ts/,
  },
  {
    name: "core reads files",
    files: uses("src/core/base/double.ts", `import "node:fs";`),
    says: /floor-core: .* imports fs/,
  },
  {
    name: "core knows Docker",
    files: uses("src/core/base/double.ts", `import type {} from "dockerode";`),
    says: /floor-core: .*dockerode/,
  },
  {
    name: "a port imports the agent",
    files: uses("src/ports/text.ts", `import type {} from "../agent/loop/looking.ts";`),
    says: /floor-ports: /,
  },
  {
    name: "the agent imports an adapter",
    files: uses("src/agent/loop/looking.ts", `import type {} from "../../docker/engine.ts";`),
    says: /floor-agent: /,
  },
  {
    name: "the agent loads an adapter late",
    files: { "src/agent/loop/late.ts": `export const late = (): unknown => import("../../docker/engine.ts");\n` },
    says: /floor-agent: /,
  },
  {
    name: "the agent does input and output",
    files: uses("src/agent/loop/looking.ts", `import "node:net";`),
    says: /floor-agent: /,
  },
  {
    name: "the Docker adapter imports the agent",
    files: uses("src/docker/engine.ts", `import type {} from "../agent/loop/looking.ts";`),
    says: /floor-docker: .*agent\/loop\/looking.ts/,
  },
  {
    name: "an adapter imports another one",
    files: uses("src/docker/engine.ts", `import type {} from "../sqlite/store.ts";`),
    says: /floor-docker: .*sqlite\/store.ts/,
  },
  {
    name: "the store knows Docker",
    files: uses("src/sqlite/store.ts", `import type {} from "dockerode";`),
    says: /floor-sqlite: .*dockerode/,
  },
  {
    name: "the link knows SQLite",
    files: uses("src/websocket/link.ts", `import type {} from "better-sqlite3";`),
    says: /floor-websocket: .*better-sqlite3/,
  },
  {
    name: "the machine's adapter knows WebSockets",
    files: uses("src/linux/clock.ts", `import type {} from "ws";`),
    says: /floor-linux: .*ws/,
  },
  {
    name: "a command imports the program",
    files: uses("src/cli/run.ts", `import type {} from "../main.ts";`),
    says: /floor-cli: /,
  },
  {
    name: "the program reaches past its commands",
    files: uses("src/main.ts", `import "./core/base/double.ts";`),
    says: /floor-main.ts: /,
  },
  {
    name: "two files import each other's types",
    files: {
      "src/core/base/a.ts": `import type { B } from "./b.ts";\n\nexport type A = { readonly b?: B };\n`,
      "src/core/base/b.ts": `import type { A } from "./a.ts";\n\nexport type B = { readonly a?: A };\n`,
    },
    says: /no-cycles: src\/core\/base\/[ab].ts/,
  },
  {
    name: "an import leads nowhere",
    files: uses("src/core/base/double.ts", `import "./gone.ts";`),
    says: /resolvable: .*gone.ts/,
  },
  {
    name: "a file in no room",
    files: { "src/util/text.ts": "export const a = 1;\n" },
    says: /rooms: src\/util\/text.ts/,
  },
  {
    name: "a file that is not looked at",
    files: { "src/core/node_modules/hidden.ts": "export const a = 1;\n" },
    says: /unseen: src\/core\/node_modules\/hidden.ts/,
  },
  {
    name: "a module's variable",
    files: inCore("let count = 0;\n"),
    says: /module-state: src\/core\/base\/broken.ts: let count/,
  },
  {
    name: "an object literal that is spread",
    files: inCore("const b = 1;\nexport const a = { .." + ".{ b }, c: 2 };\n"),
    says: /object-spread: src\/core\/base\/broken.ts:2/,
  },
  {
    name: "a module's collection",
    files: inCore("export const seen = new Map<string, number>();\n"),
    says: /module-state: src\/core\/base\/broken.ts: export const seen/,
  },
  {
    name: "a test that reaches the installer",
    files: {
      "scripts/installer.ts": "export const install = (): void => undefined;\n",
      "scripts/helper.ts": `import { install } from "./installer.ts";\n\nexport const help = install;\n`,
      ...uses("test/double.test.ts", `import { help } from "../scripts/helper.ts";`, "help();"),
    },
    says: /no-install-in-tests: test\/double.test.ts imports scripts\/installer.ts/,
  },
  {
    name: "a test that installs by itself",
    files: uses("test/double.test.ts", `import { spawnSync } from "node:child_process";`, aptGet),
    says: /installs: test\/double.test.ts: spawnSync\("apt-get"/,
  },
  {
    name: "the host of a package archive",
    files: inCore(`export const archive = "http://mirror.${"debian"}.org/debian";\n`),
    says: /archives: src\/core\/base\/broken.ts names the archive mirror\.debian\.org/,
  },
];

const lintCases: readonly Case[] = [
  ...["Math.random()", `Math["random"]`, "((m) => m)(Math[name])"].map((text) => ({
    name: `core: ${text}`,
    files: inCore(`const name = "random";\nexport const a = [name, ${text}];\n`),
    says: /core-purity/,
  })),
  { name: "core: another name for Math", files: inCore("const M = Math;\nexport const a = M;\n"), says: /core-purity/ },
  {
    name: "core: a part of Math",
    files: inCore("const { random } = Math;\nexport const a = random();\n"),
    says: /core-purity/,
  },
  { name: "a default export", files: inCore("export default 1;\n"), says: /noDefaultExport/ },
  { name: "a barrel", files: inCore(`export { double } from "./double.ts";\n`), says: /noBarrelFile/ },
  { name: "everything exported again", files: inCore(`export * from "./double.ts";\n`), says: /noReExportAll/ },
  { name: "an enum", files: inCore("export enum Colour {\n  Red = 0,\n}\n"), says: /noEnum/ },
  { name: "any", files: inCore("export const a = (b: any): number => b;\n"), says: /noExplicitAny/ },
  {
    name: "a non-null assertion",
    files: inCore("export const a = (b?: number): number => b!;\n"),
    says: /noNonNullAssertion/,
  },
  {
    name: "an import without an extension",
    files: inCore(`import { double } from "./double";\n\nexport const a = double;\n`),
    says: /useImportExtensions/,
  },
  {
    name: "a long function",
    files: inCore(`export function long(): void {\n${"  void 0;\n".repeat(81)}}\n`),
    says: /noExcessiveLinesPerFunction/,
  },
  ...["src/core/base/long.ts", "test/long.ts", "scripts/long.ts"].map((path) => ({
    name: `a long file: ${path}`,
    files: { [path]: Array.from({ length: 351 }, (_, index) => `export const a${index} = ${index};\n`).join("") },
    says: /noExcessiveLinesPerFile/,
  })),
  {
    name: "a file name in camel case",
    files: { "src/core/base/twoWords.ts": "export const a = 1;\n" },
    says: /useFilenamingConvention/,
  },
  { name: "another format", files: inCore("export const  a = 1\n"), says: /format/ },
];

const otherCases: readonly (Case & { readonly step: string })[] = [
  { step: "types", name: "a wrong type", files: inCore(`export const a: number = "";\n`), says: /broken.ts.*TS2322/ },
  {
    step: "core-types",
    name: "core uses the machine",
    files: inCore("export const a = process.pid;\n"),
    says: /broken.ts.*process/,
  },
  {
    step: "core-types",
    name: "a port uses a package of Node",
    files: { "src/ports/text.ts": `import type {} from "node:fs";\n\n${sound("src/ports/text.ts")}` },
    says: /text.ts.*node:fs/,
  },
  ...["record[key]", "key in record", "record?.[key]"].map((text) => ({
    step: "lookups",
    name: `a record is asked for any word: ${text}`,
    files: inCore(`export const a = (record: Record<string, number>, key: string): unknown => ${text};\n`),
    says: /record-lookups: src\/core\/base\/broken.ts:1: .*: use a Map or ownValue/,
  })),
  {
    step: "lookups",
    name: "a record is written under any word",
    files: inCore("export function put(record: Record<string, number>, key: string): void {\n  record[key] = 1;\n}\n"),
    says: /record-lookups: src\/core\/base\/broken.ts:2: record\[key\]/,
  },
  {
    step: "lookups",
    name: "a member of any name is taken out of a record",
    files: inCore(
      "export function take(record: Record<string, number>, key: string): number {\n  const { [key]: value = 0 } = record;\n  return value;\n}\n",
    ),
    says: /record-lookups: src\/core\/base\/broken.ts:2: /,
  },
  {
    step: "lookups",
    name: "another record is asked whether it has the word",
    files: inCore(
      "export const a = (one: Record<string, number>, other: Record<string, number>, key: string): unknown =>\n  Object.hasOwn(one, key) ? other[key] : 0;\n",
    ),
    says: /record-lookups: src\/core\/base\/broken.ts:2: other\[key\]/,
  },
  {
    step: "dead",
    name: "an export that nobody uses",
    files: { "src/core/base/double.ts": `${sound("src/core/base/double.ts")}\nexport const unused = 1;\n` },
    says: /unused +src\/core\/base\/double.ts/,
  },
  {
    step: "dead",
    name: "a file that nobody uses",
    files: inCore("export const a = 1;\n"),
    says: /src\/core\/base\/broken.ts/,
  },
  {
    step: "dead",
    name: "a package that nobody declared",
    files: uses("src/cli/run.ts", `import "ws";`),
    says: /ws +src\/cli\/run.ts/,
  },
];

function fails(step: string, { name, files, says }: Case): void {
  test(name, () => {
    const { ok, output } = checkTree(step, files);
    assert.equal(ok, false, output);
    assert.match(output, says);
  });
}

describe("the check of the sound tree passes", () => {
  for (const step of ["types", "core-types", "lint", "structure", "lookups", "dead"]) {
    test(step, () => {
      const { ok, output } = checkTree(step, {});
      assert.equal(ok, true, output);
    });
  }
});

describe("the structure check fails on", () => {
  for (const broken of structureCases) fails("structure", broken);
});

describe("folders of one room", () => {
  test("the structure check reports every import that the table of the room does not allow", () => {
    const breaches = Object.entries(subRooms).flatMap(([room, inside]) =>
      Object.entries(inside).flatMap(([name, allowed]) =>
        Object.keys(inside)
          .filter((other) => other !== name && !allowed.includes(other))
          .map((other) => ({ room, name, other })),
      ),
    );
    const fileOf = (room: string, entry: string): string =>
      entry.endsWith(".ts") ? `src/${room}/${entry}` : `src/${room}/${entry}/planted.ts`;
    const files = new Map<string, string>();
    for (const { room, name, other } of breaches) {
      const from = fileOf(room, name);
      const up = name.endsWith(".ts") ? "./" : "../";
      const target = fileOf(room, other).slice(`src/${room}/`.length);
      files.set(from, `${files.get(from) ?? "export const a = 1;\n"}import "${up}${target}";\n`);
      files.set(fileOf(room, other), files.get(fileOf(room, other)) ?? "export const a = 1;\n");
    }
    const { ok, output } = checkTree("structure", Object.fromEntries(files));
    assert.equal(ok, false);
    for (const { room, name, other } of breaches) {
      assert.ok(
        output.includes(`floor-${room}/${name}: ${fileOf(room, name)} imports ${fileOf(room, other)}`),
        `${room}: ${name} -> ${other} is not seen in\n${output}`,
      );
    }
    assert.ok(breaches.length >= 50);
  });

  test("the structure check reports a file beside the folders of a room that has folders", () => {
    const { output } = checkTree("structure", { "src/agent/stray.ts": "export const a = 1;\n" });
    assert.match(output, /rooms: src\/agent\/stray\.ts stands in no room/);
  });
});

describe("lint fails on", () => {
  for (const broken of lintCases) fails("lint", broken);

  test("every global that core must not use", () => {
    const names = deniedGlobals();
    const files = names.map((name, index) => [`src/core/global-${index}.ts`, `export const a = ${name};\n`] as const);
    const { ok, output } = checkTree("lint", Object.fromEntries(files));
    assert.equal(ok, false);
    for (const name of names) assert.match(output, new RegExp(`Do not use the global variable ${name}\\.`));
  });
});

describe("the other checks fail on", () => {
  for (const broken of otherCases) fails(broken.step, broken);
});

function deniedGlobals(): readonly string[] {
  const { overrides } = JSON.parse(readFileSync("biome.json", "utf8")) as {
    overrides: { linter: { rules: { style?: { noRestrictedGlobals?: { options: { deniedGlobals: object } } } } } }[];
  };
  const options = overrides.map(({ linter }) => linter.rules.style?.noRestrictedGlobals?.options.deniedGlobals);
  const names = options.flatMap((denied) => Object.keys(denied ?? {}));
  assert.ok(names.length >= 10);
  return names;
}
