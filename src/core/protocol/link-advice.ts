import type { LinkError } from "./link-error.ts";

const reach =
  "Check the center's name, this device's network and any firewall between them; pods keep running meanwhile";

const todos: Readonly<Record<LinkError["code"], string>> = {
  unreachable: reach,
  timeout: reach,
  aborted: reach,
  refused: "Ask the operator of the center why it refuses this device",
  protocol: "Check that center.url names a center and not another service",
  tls: "Check that center.tls.ca holds the authority of the center's certificate, and center.tls.serverName its name",
  credentials: "Check that center.tls.cert, center.tls.key and center.auth.file are what the center expects",
};

/** What a message names is more certain than its code: a refused certificate can look like a broken network. */
const byMessage: readonly (readonly [words: RegExp, todo: string])[] = [
  [/^The proxy \S+ requires a user/, "Write user:password into the file of center.proxyAuth.file (mode 0600)"],
  [/^The proxy \S+ opened no tunnel/, "Ask the operator of the proxy to allow CONNECT to the center's host and port"],
  [
    /^The proxy /,
    "Check center.proxy, or HTTPS_PROXY and NO_PROXY in the agent's environment, and the network to the proxy",
  ],
  [/not yet valid/, "Set this device's clock (timedatectl set-ntp true)"],
  [
    /The center's certificate has expired/,
    "The operator of the center must renew its certificate. If this device's clock is wrong, set it",
  ],
  [/expired at \d/, "Put a new certificate into that file; the agent uses it within 5 s, without a restart"],
  [
    /certificate is from an authority that/,
    "Put the authority of the center's certificate into the file that center.tls.ca names",
  ],
  [
    /certificate is for another name/,
    "Set center.tls.serverName to a name in the center's certificate, or correct center.url",
  ],
  [/may not accept this device's certificate/, todos.credentials],
  [/answered (?:401|403)/, todos.credentials],
  [/The center answered/, todos.refused],
  [/alert|PEM|key values mismatch/, todos.credentials],
];

/**
 * What to do about a connection that does not come about.
 * @param message as the link tells it; `code` is absent where only the message was kept
 */
export function linkTodo({ message, code }: { readonly message: string; readonly code?: LinkError["code"] }): string {
  const found = byMessage.find(([words]) => words.test(message));
  return found?.[1] ?? todos[code ?? "unreachable"];
}
