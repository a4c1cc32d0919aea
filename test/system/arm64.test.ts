import { before, describe, test } from "node:test";
import { ensurePackages } from "../../scripts/debian.ts";
import { aloneInFolder, type Case, throughLife } from "./program-life.ts";

describe("the executable for arm64", () => {
  if (process.arch !== "arm64") before(installEmulator);
  describe("alone in a folder", () => run(aloneInFolder("arm64")));
  describe("as agent and centre", () => run(throughLife("arm64")));
});

function installEmulator(): void {
  ensurePackages(
    ["qemu-user-static", "libc6-arm64-cross", "libstdc++6-arm64-cross", "libgcc-s1-arm64-cross"],
    console.log,
  );
}

function run(cases: readonly Case[]): void {
  for (const [name, work] of cases) test(name, work);
}
