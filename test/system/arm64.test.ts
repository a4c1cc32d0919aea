import { before, describe, test } from "node:test";
import { requirePackages } from "../../scripts/packages.ts";
import { aloneInFolder, type Case, throughLife } from "./program-life.ts";

describe("the executable for arm64", () => {
  before(() => requirePackages("emulator"));
  describe("alone in a folder", () => run(aloneInFolder("arm64")));
  describe("as agent and center", () => run(throughLife("arm64")));
});

function run(cases: readonly Case[]): void {
  for (const [name, work] of cases) test(name, work);
}
