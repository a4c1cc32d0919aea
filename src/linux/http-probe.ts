import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIPv6 } from "node:net";
import type { HttpAnswer, HttpProbe, HttpProbeRequest } from "../ports/http.ts";

/** Kubelet `maxRespBodyLength`: what an answer holds beyond it is not read. Only the status counts. */
const longestBody = 10 * 1024;
const mostRedirects = 10;
const redirects: readonly number[] = [301, 302, 303, 307, 308];

/** GET as the kubelet's HTTP probe does it (`pkg/probe/http`). */
export function httpProbe(): HttpProbe {
  return {
    async get(request, signal) {
      try {
        return await follow(urlOf(request), signal);
      } catch (cause) {
        return { ok: false, message: messageOf(cause) };
      }
    },
  };
}

function urlOf({ scheme, host, port, path }: HttpProbeRequest): URL {
  const name = isIPv6(host) ? `[${host}]` : host;
  return new URL(`${scheme.toLowerCase()}://${name}:${port}${path}`);
}

async function follow(first: URL, signal: AbortSignal): Promise<HttpAnswer> {
  let url = first;
  for (let followed = 0; ; followed += 1) {
    const { status, location } = await get(url, signal);
    if (!redirects.includes(status) || location === undefined) return { ok: true, status };
    const next = new URL(location, url);
    if (next.hostname !== first.hostname) return { ok: true, status };
    if (followed >= mostRedirects) return { ok: false, message: `Stopped after ${mostRedirects} redirects` };
    url = next;
  }
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
}

/** `agent: false`: one connection a probe, so that what is asked is whether a new one is taken. */
function get(url: URL, signal: AbortSignal): Promise<Answer> {
  const options = { agent: false, signal, headers: { Accept: "*/*", "User-Agent": "edge-probe", Connection: "close" } };
  return new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage): void => {
      const answer = { status: response.statusCode ?? 0, location: response.headers.location };
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        // `destroy` ends it with "close" and no error.
        if (length > longestBody) response.destroy();
      });
      // A body that breaks off, or that its reader has enough of: the status has been said.
      response.on("error", () => {});
      response.on("close", () => (signal.aborted ? reject(signal.reason) : resolve(answer)));
    };
    const sent =
      url.protocol === "https:"
        ? requestHttps(url, { ...options, rejectUnauthorized: false }, answered)
        : requestHttp(url, options, answered);
    sent.on("error", reject);
    sent.end();
  });
}

/** Several addresses or none: Node puts what happened into a list then, with an empty message of its own. */
function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(messageOf).join(", ");
  return cause instanceof Error ? cause.message : String(cause);
}
