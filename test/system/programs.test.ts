import { describe, test } from "node:test";
import { aloneInFolder, type Case, throughLife } from "./program-life.ts";

// As agent and center it is what every other file here runs.
describe("dist/edge.mjs on Node, alone in a folder", () => run(aloneInFolder("node")));

describe("dist/edge.mjs on Deno", () => {
  describe("alone in a folder", () => run(aloneInFolder("deno")));
  describe("as agent and center", () => run(throughLife("deno")));
});

describe("this machine's executable, without Node", () => {
  describe("alone in a folder", () => run(aloneInFolder("executable")));
  describe("as agent and center", () => run(throughLife("executable")));
});

function run(cases: readonly Case[]): void {
  for (const [name, work] of cases) test(name, work);
}
