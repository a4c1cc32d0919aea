import { request as requestHttp } from "node:http";
import { isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { LinkError } from "../core/protocol/link-error.ts";
import type { LinkTls } from "./credentials.ts";
import { proxyAnswerError, proxyError } from "./errors.ts";
import type { HttpProxy } from "./proxy.ts";

export interface TunnelOptions {
  readonly proxy: HttpProxy;
  /** The value of the HttpProxy-Authorization header; a secret. */
  readonly authorization: string | null;
  /** Address of the center, wss://. */
  readonly url: string;
}

export type OpenedTunnel =
  | { readonly ok: true; readonly stream: Socket }
  | { readonly ok: false; readonly error: LinkError };

/**
 * A way through an HTTP proxy to the host and port of the center, by CONNECT (RFC 9110, 9.3.6). Node's parser holds the
 * proxy's answer to 16 KiB of headers. `signal` gives up on opening, not on what was opened: that ends with `stream`.
 */
export function openTunnel({ proxy, authorization, url }: TunnelOptions, signal: AbortSignal): Promise<OpenedTunnel> {
  const { hostname, port } = new URL(url);
  const target = `${hostname}:${port === "" ? 443 : port}`;
  const { promise, resolve } = Promise.withResolvers<OpenedTunnel>();
  const request = requestHttp({
    host: proxy.host,
    port: proxy.port,
    method: "CONNECT",
    path: target,
    headers: { host: target, ...(authorization !== null && { "proxy-authorization": authorization }) },
    agent: false,
  });
  const settle = (result: OpenedTunnel): void => {
    signal.removeEventListener("abort", abort);
    resolve(result);
  };
  const abort = (): void => {
    settle({ ok: false, error: { code: "timeout", message: `The proxy ${proxy.name} did not answer in time` } });
    request.destroy();
  };
  request.on("connect", ({ statusCode = 0 }, stream: Socket, early) => {
    // Nobody else listens until TLS does; and TLS is spoken first by us, so what is here already is no center's.
    stream.on("error", () => {});
    const isOpen = statusCode >= 200 && statusCode < 300 && early.length === 0;
    if (isOpen) return settle({ ok: true, stream });
    stream.destroy();
    settle({ ok: false, error: proxyAnswerError(proxy.name, { target, statusCode }) });
  });
  request.on("error", (error) => settle({ ok: false, error: proxyError(proxy.name, error) }));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  else request.end();
  return promise;
}

export interface InnerTls {
  readonly url: string;
  readonly tls: LinkTls;
  /** The name the center's certificate must carry, where it is not the one in the address. */
  readonly serverName: string | null;
}

/**
 * TLS with the center inside a tunnel. Its certificate is checked for the same name as without one: Node would take the
 * proxy's where the center's host is an IP address.
 */
export function tlsThrough(stream: Socket, { url, tls, serverName }: InnerTls): () => TLSSocket {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return () =>
    connectTls({
      ...tls,
      socket: stream,
      host,
      servername: serverName ?? (isIP(host) === 0 ? host : ""),
      minVersion: "TLSv1.2",
      // Said outright: NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would turn it off else.
      rejectUnauthorized: true,
    });
}
