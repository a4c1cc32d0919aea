import { spawn } from "node:child_process";
import { once } from "node:events";
import { debianPackages, install } from "../installer.ts";
import { engineNeeds } from "../packages.ts";
import { closeOnSignal, startPrivateEngine, startTestEngine } from "../private-engine.ts";
import { loadTestImages } from "../test-images.ts";

/** Where podman's service listens, for a script that was started with rivals. */
export const podmanVariable = "EDGE_BENCH_PODMAN";

/**
 * Starts an engine with the test images, runs a script in its network, and takes the engine away.
 * @param rivals what others run pods with is installed, and podman's service runs beside the engine
 */
export async function onEngine(
  script: string,
  args: readonly string[] = [],
  { rivals = false }: { readonly rivals?: boolean } = {},
): Promise<void> {
  const say = (line: string): void => console.error(line);
  install([debianPackages([...engineNeeds(), ...(rivals ? (["podman", "rivals"] as const) : [])])], say);
  const engine = await startTestEngine(say);
  const podman = rivals ? await startPrivateEngine(say, { podman: "installed" }) : null;
  const close = async (): Promise<void> => {
    await podman?.close();
    await engine.close();
  };
  closeOnSignal(close);
  try {
    await loadTestImages(engine.socket);
    if (podman !== null) await loadTestImages(podman.socket);
    const [program, ...rest] = engine.command(process.execPath, script, ...args);
    const env = {
      ...process.env,
      EDGE_TEST_SOCKET: engine.socket,
      EDGE_TEST_FOLDER: engine.folder,
      [podmanVariable]: podman?.socket ?? "",
    };
    const [code] = await once(spawn(program, rest, { stdio: "inherit", env }), "exit");
    if (code !== 0) throw new Error(`The measurement ended with ${code}`);
  } finally {
    await close();
  }
}
