import { spawn } from "node:child_process";
import { once } from "node:events";
import { debianPackages, install } from "../installer.ts";
import { engineNeeds } from "../packages.ts";
import { closeOnSignal, startTestEngine } from "../private-engine.ts";
import { loadTestImages } from "../test-images.ts";

/** Starts an engine with the test images, runs a script in its network, and takes the engine away. */
export async function onEngine(script: string, args: readonly string[] = []): Promise<void> {
  install([debianPackages(engineNeeds())], (line) => console.error(line));
  const engine = await startTestEngine((line) => console.error(line));
  closeOnSignal(engine.close);
  try {
    await loadTestImages(engine.socket);
    const [program, ...rest] = engine.command(process.execPath, script, ...args);
    const env = { ...process.env, EDGE_TEST_SOCKET: engine.socket, EDGE_TEST_FOLDER: engine.folder };
    const [code] = await once(spawn(program, rest, { stdio: "inherit", env }), "exit");
    if (code !== 0) throw new Error(`The measurement ended with ${code}`);
  } finally {
    await engine.close();
  }
}
