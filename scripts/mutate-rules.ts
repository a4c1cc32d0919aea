// `sh scripts/node.sh node scripts/mutate-rules.ts [ID...]`: switches off each rule of admission in turn, in a copy of the
// sources, and fails for every rule whose loss no test notices. Rules of other messages than a pod's have the name of
// their table before the id: configMapRules/data.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { everyRule } from "../src/core/admission/rule-index.ts";
import * as contents from "../src/core/admission/rules/contents.ts";

const root = join(import.meta.dirname, "..");
const tests = ["pod-rules", "relations", "contents"].map((name) => `test/unit/core/admission/${name}.test.ts`);

/** A row that takes anything. */
const anything = 'presence: "optional" as const, passes: () => true';

/** Renames the table in the copy and puts one in its place in which the rule that `MUTATE` names lets all pass. */
function patch(file: string, table: string, off: string, prefix = ""): void {
  const before = readFileSync(file, "utf8");
  const after = before.replace(`export const ${table}:`, `const un${table}:`);
  if (after === before) throw new Error(`${file} has no ${table}`);
  const mutated = `un${table}.map((row) => ("${prefix}" + row.id === process.env["MUTATE"] ? { ...row, ${off} } : row))`;
  writeFileSync(file, `${after}\nexport const ${table} = ${mutated};\n`);
}

function survives(copy: string, id: string): Promise<boolean> {
  const child = spawn(process.execPath, ["--test", ...tests], {
    cwd: copy,
    env: { ...process.env, MUTATE: id },
    stdio: "ignore",
  });
  return new Promise((done) => child.once("exit", (code) => done(code === 0)));
}

/** Rules that take anything as they are, and those that are in no table. */
const takesAll = [
  "status",
  ...["field.twice", "field.unknown"],
  ...["generateName", "generation", "managedFields"].map((name) => `metadata.${name}`),
  ...["configMapRules", "secretRules"].flatMap((table) =>
    ["labels", "annotations", "selfLink"].map((name) => `${table}/metadata.${name}`),
  ),
];

function ofContents(): readonly string[] {
  return Object.entries(contents).flatMap(([table, rows]) => rows.map(({ id }) => `${table}/${id}`));
}

const copy = mkdtempSync(join(tmpdir(), "mutate-"));
try {
  for (const folder of ["src", "test/unit"]) cpSync(join(root, folder), join(copy, folder), { recursive: true });
  writeFileSync(join(copy, "package.json"), '{ "type": "module" }\n');
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const admission = join(copy, "src/core/admission");
  patch(join(admission, "pod-rules.ts"), "podRules", anything);
  patch(join(admission, "admit.ts"), "relations", "check: () => {}");
  for (const table of Object.keys(contents)) patch(join(admission, "rules/contents.ts"), table, anything, `${table}/`);

  const named = process.argv.slice(2);
  const ids = [...everyRule.map(({ id }) => id), ...ofContents()].filter(
    (id) => !takesAll.includes(id) && (named.length === 0 || named.some((name) => id.startsWith(name))),
  );
  if (!(await survives(copy, "none"))) throw new Error("The tests fail with every rule on");
  const waiting = [...ids];
  const unnoticed: string[] = [];
  const worker = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      if (await survives(copy, id)) unnoticed.push(id);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  for (const id of unnoticed) console.log(`No test notices the loss of ${id}`);
  console.log(`${ids.length - unnoticed.length} rules missed by a test when off, ${unnoticed.length} not`);
  process.exitCode = ids.length > 0 && unnoticed.length === 0 ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true });
}
