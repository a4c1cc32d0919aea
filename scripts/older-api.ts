import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";

/** A socket behind which an engine says that it speaks an older API than it does. */
export type OlderApi = { readonly socket: string; readonly close: () => void };

/**
 * Stands before an engine's socket and changes the version that it names, so that it is spoken to as an older engine
 * would be; an engine answers each call in the version of the call's path.
 * @param version as long as the engine's own, as `1.39`
 */
export async function startOlderApi(socket: string, folder: string, version: string): Promise<OlderApi> {
  const path = join(folder, `api-${version}.sock`);
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client);
    const engine = connect({ path: socket, allowHalfOpen: true });
    const end = (): void => {
      clients.delete(client);
      client.destroy();
      engine.destroy();
    };
    client.on("error", end).on("close", end);
    engine.on("error", end).on("close", end);
    client.once("data", (first) => {
      engine.write(first);
      client.pipe(engine);
      if (!first.toString("latin1").startsWith("GET /version ")) return engine.pipe(client);
      const older = `$1${version}"`;
      engine.on("data", (answer) => client.write(answer.toString().replace(/("ApiVersion":")1\.\d\d"/g, older)));
      return engine.on("end", () => client.end());
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const close = (): void => {
    server.close();
    // One that is kept open for the next call would keep this process for minutes.
    for (const client of clients) client.destroy();
  };
  return { socket: path, close };
}
