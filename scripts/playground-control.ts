import { createServer, type Server } from "node:http";

/** By its words, such as `center stop`: does it and gives the sentence to print. */
export type Controls = Readonly<Record<string, () => Promise<string>>>;

/** Listens on a unix socket for what the commands of the playground's shell ask: the words are the body. */
export async function serveControl(path: string, controls: Controls): Promise<Server> {
  const known = new Map(Object.entries(controls));
  const server = createServer(async (request, response) => {
    const words = (await request.setEncoding("utf8").toArray()).join("");
    const control = known.get(words);
    if (control === undefined) {
      response.writeHead(404).end(`usage: ${[...known.keys()].join(", ")}`);
      return;
    }
    try {
      response.end(await control());
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}
