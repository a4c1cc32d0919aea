import { main } from "./cli/program.ts";

// Not awaited at the top level: an executable is made of a CommonJS module, which cannot.
void main(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
}).then((code) => {
  process.exitCode = code;
});
