import { main } from "./cli/program.ts";

// Nobody reads any more, as after `| head`: what a command prints is of no use then. The agent prints nothing there.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") process.stderr.write(`edge: standard output cannot be written: ${error.message}\n`);
  process.exit(1);
});
// A log that is full or that nobody reads must not end the agent.
process.stderr.on("error", () => {});

// Not awaited at the top level: an executable is made of a CommonJS module, which cannot.
void main(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
}).then((code) => {
  process.exitCode = code;
});
