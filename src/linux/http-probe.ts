import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIPv6 } from "node:net";
import type { HttpAnswer, HttpProbe, HttpProbeRequest } from "../ports/http.ts";

/** Kubelet `maxRespBodyLength`: what an answer holds beyond it is not read. Only the status counts. */
const longestBody = 10 * 1024;
/** Kubelet `RedirectChecker`: requests in all, so that the tenth redirect is not followed. */
const mostRequests = 10;
/** Web servers are configured to let a User-Agent of this beginning pass. */
const userAgent = "kube-probe/1.0 (edge)";
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
  for (let requests = 1; ; requests += 1) {
    const { status, location, isWhole } = await get(url, signal);
    const next = redirects.includes(status) && location !== undefined ? new URL(location, url) : null;
    if (next === null || !isSamePlace(next, first)) {
      if (isWhole) return { ok: true, status };
      return { ok: false, message: `The body of the answer with status ${status} broke off`, isCutOff: true };
    }
    if (requests >= mostRequests) return { ok: false, message: `Stopped after ${mostRequests} redirects` };
    url = next;
  }
}

/** Another port is another program, and a name in the address would be a password that nobody gave. */
function isSamePlace(next: URL, first: URL): boolean {
  return next.origin === first.origin && next.username === "" && next.password === "";
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  /** The body has ended, or as much of it has come as is read. */
  readonly isWhole: boolean;
}

/** `agent: false`: one connection a probe, so that what is asked is whether a new one is taken. */
function get(url: URL, signal: AbortSignal): Promise<Answer> {
  const options = { agent: false, signal, headers: { Accept: "*/*", "User-Agent": userAgent, Connection: "close" } };
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const answered = (response: IncomingMessage): void => {
      isAnswered = true;
      const { location } = response.headers;
      const status = response.statusCode ?? 0;
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        // `destroy` ends it with "close" and no error.
        if (length > longestBody) response.destroy();
      });
      // A body that breaks off, stalls until the signal aborts, or that its reader has enough of: "close" follows.
      response.on("error", () => {});
      response.on("close", () => resolve({ status, location, isWhole: response.complete || length > longestBody }));
    };
    const sent =
      url.protocol === "https:"
        ? requestHttps(url, { ...options, rejectUnauthorized: false }, answered)
        : requestHttp(url, options, answered);
    // Once the head has come, the end of the response says all.
    sent.on("error", (error) => {
      if (!isAnswered) reject(error);
    });
    sent.end();
  });
}

/** Several addresses or none: Node puts what happened into a list then, with an empty message of its own. */
function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(messageOf).join(", ");
  return cause instanceof Error ? cause.message : String(cause);
}
