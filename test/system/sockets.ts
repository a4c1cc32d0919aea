import { request } from "node:http";
import { createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";

/** Long enough for a slow machine; nothing here is about speed. */
export const deadlineMs = 60_000;

/** One request to the control socket of the dev center. */
export function control(
  socketPath: string,
  method: "GET" | "POST",
  path: string,
  body = "",
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, timeout: deadlineMs }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** A container's output without the eight bytes before each piece of it. */
export function demultiplexed(raw: Buffer): string {
  let said = "";
  for (let at = 0; at + 8 <= raw.length; ) {
    const length = raw.readUInt32BE(at + 4);
    said += raw.subarray(at + 8, at + 8 + length).toString("utf8");
    at += 8 + length;
  }
  return said;
}

/** Null for a container that the agent has removed since it was listed: then it is not there. */
export async function inspected(docker: Docker, id: string): Promise<Docker.ContainerInspectInfo | null> {
  try {
    return await docker.getContainer(id).inspect();
  } catch (error) {
    if ((error as { readonly statusCode?: number }).statusCode === 404) return null;
    throw error;
  }
}

/** A registry that takes every connection and never answers. */
export async function hangingRegistry(): Promise<{ readonly port: number; readonly close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: typeof address === "object" ? (address?.port ?? 0) : 0, close };
}

/** A port of this device that nobody listens on now. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}
