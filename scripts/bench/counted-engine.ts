import { connect, createServer } from "node:net";
import { join } from "node:path";

/** How often the engine was asked: for a list of all containers, and at all. */
export interface CallCounts {
  readonly lists: number;
  readonly calls: number;
}

/** The engine behind another socket, that counts the calls. Each comes on a connection of its own. */
export async function countedEngine(socket: string, folder: string) {
  let lists = 0;
  let calls = 0;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const engine = connect({ path: socket, allowHalfOpen: true });
    client.once("data", (chunk: Buffer) => {
      calls += 1;
      if (/^GET \/v[0-9.]+\/containers\/json\?/.test(chunk.toString("latin1"))) lists += 1;
    });
    client.pipe(engine);
    engine.pipe(client);
    client.on("error", () => engine.destroy());
    engine.on("error", () => client.destroy());
  });
  const path = join(folder, "counted.sock");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    socket: path,
    counts: (): CallCounts => ({ lists, calls }),
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
