import { isIP } from "node:net";
import { getProxyForUrl } from "proxy-from-env";
import { shownUrl } from "../core/base/shown-url.ts";
import type { LinkError } from "../core/protocol/link-error.ts";

/** An HTTP proxy that takes CONNECT. */
export interface HttpProxy {
  readonly host: string;
  readonly port: number;
  /** `host:port` as it is shown. */
  readonly name: string;
}

export type FoundProxy =
  /** null where the center is dialled without one. */
  { readonly ok: true; readonly proxy: HttpProxy | null } | { readonly ok: false; readonly error: LinkError };

const none: FoundProxy = { ok: true, proxy: null };

/**
 * The proxy on the way to a center: `configured` (`center.proxy`), else what HTTPS_PROXY, ALL_PROXY and NO_PROXY of the
 * environment say, in either case of letters. A ws:// center is on this device and has none: its secrets go in the clear.
 * Nor does the environment's count for a loopback address (as in Go's net/http, and so for the engine).
 */
export function proxyFor(url: string, configured: string | null): FoundProxy {
  if (!url.startsWith("wss:") || !URL.canParse(url)) return none;
  if (configured !== null) return parsed(configured, "center.proxy");
  if (isLoopback(new URL(url).hostname)) return none;
  const found = getProxyForUrl(url.replace(/^wss/, "https"));
  return found === "" ? none : parsed(found, "the environment (HTTPS_PROXY)");
}

function parsed(address: string, source: string): FoundProxy {
  const url = URL.canParse(address) ? new URL(address) : null;
  // A host that no URL has is told like a wrong scheme: the sentence says what is expected.
  const isUsable = url?.protocol === "http:" && url.username === "" && url.password === "" && url.hostname !== "";
  if (!isUsable) {
    const expected = "expected http://HOST:PORT, and user:password in center.proxyAuth.file";
    const message = `The proxy in ${source} is "${shownUrl(address).slice(0, maxShownLength)}"; ${expected}`;
    return { ok: false, error: { code: "protocol", message } };
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? 80 : Number(url.port);
  return { ok: true, proxy: { host, port, name: `${url.hostname}:${port}` } };
}

const maxShownLength = 256;

function isLoopback(hostname: string): boolean {
  if (hostname === "localhost" || hostname === "[::1]") return true;
  return isIP(hostname) === 4 && hostname.startsWith("127.");
}
