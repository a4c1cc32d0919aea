// Compiles the first process of a sandbox for both architectures and writes it into src/docker/sandbox-program.ts, so
// that the built program needs neither a registry nor a file beside it. A test compiles it again and compares.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requirePackages } from "./packages.ts";

/** Where the generated source stands. */
export const sandboxProgramFile = "src/docker/sandbox-program.ts";

/** By Docker's name of the architecture; the page size is the largest that such a machine may have. */
const targets = {
  amd64: { compiler: "x86_64-linux-gnu-gcc", pageSize: 4096, flags: ["-fcf-protection=none"] },
  arm64: { compiler: "aarch64-linux-gnu-gcc", pageSize: 65536, flags: ["-mbranch-protection=none"] },
} as const;

const flags = [
  ...["-Os", "-std=c17", "-Wall", "-Wextra", "-Werror", "-static", "-nostdlib", "-ffreestanding", "-fno-ident"],
  ...["-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fno-pie", "-no-pie"],
  ...["-Wl,--build-id=none", "-Wl,-z,noseparate-code", "-Wl,-z,noexecstack", "-s"],
];

/** Compiles for every architecture; throws when a compiler is missing or fails. */
export function compileSandbox(): Readonly<Record<string, Buffer>> {
  requirePackages("sandbox");
  const folder = mkdtempSync(join(tmpdir(), "edge-sandbox-"));
  try {
    return Object.fromEntries(
      Object.keys(targets).map((name) => [name, compile(name as keyof typeof targets, folder)]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The text of {@link sandboxProgramFile}. */
export function sandboxProgramSource(programs: Readonly<Record<string, Buffer>>): string {
  const lines = Object.entries(programs).map(([name, program]) => `  ${name}: \`${wrapped(program)}\`,`);
  return [
    "// Written by scripts/sandbox-image.ts from scripts/sandbox/pause.c: do not edit.",
    "/** The first process of a sandbox as an ELF file in base64 (line breaks mean nothing), by architecture. */",
    "export const sandboxPrograms: Readonly<Record<string, string>> = {",
    ...lines,
    "};",
    "",
  ].join("\n");
}

function wrapped(program: Buffer): string {
  return (program.toString("base64").match(/.{1,100}/g) ?? []).join("\n");
}

function compile(name: keyof typeof targets, folder: string): Buffer {
  const { compiler, pageSize, flags: own } = targets[name];
  const output = join(folder, name);
  const args = [...flags, ...own, `-Wl,-z,max-page-size=${pageSize}`, "-o", output, "scripts/sandbox/pause.c"];
  const run = spawnSync(compiler, args, { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`${compiler} failed: ${run.error?.message ?? run.stderr}`);
  return readFileSync(output);
}

if (import.meta.main) {
  const programs = compileSandbox();
  writeFileSync(sandboxProgramFile, sandboxProgramSource(programs));
  for (const [name, program] of Object.entries(programs)) console.log(`${name}: ${program.length} bytes`);
}
