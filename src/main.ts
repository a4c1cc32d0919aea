import { main } from "./cli/program.ts";

// Nobody reads any more, as after `| head`: what a command prints is of no use then. The agent prints nothing there.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") process.stderr.write(`edge: standard output cannot be written: ${error.message}\n`);
  process.exit(1);
});
// A log that is full or that nobody reads must not end the agent.
process.stderr.on("error", () => {});

/** As `clear` does: the cursor goes to the first column of the first line, and what is below it is erased. */
const terminal = {
  rows: () => process.stdout.rows,
  columns: () => process.stdout.columns,
  clear: () => process.stdout.write("\u001b[H\u001b[J"),
};

// Not awaited at the top level: an executable is made of a CommonJS module, which cannot.
void main(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  ...(process.stdout.isTTY ? { terminal } : {}),
}).then((code) => {
  process.exitCode = code;
});
