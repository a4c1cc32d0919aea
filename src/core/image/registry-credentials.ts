import { decodeBase64 } from "../base/base64.ts";
import { isObject } from "../base/json-keys.ts";

/** What a registry is shown: a name and password, or a token in their place. */
export interface RegistryCredentials {
  readonly serverAddress: string;
  readonly username?: string;
  readonly password?: string;
  readonly identityToken?: string;
}

/** More than these are not tried: each is a question to the registry. */
const mostTried = 8;
const docker = "docker.io";
/** What people write for Docker's own registry. */
const dockerNames = [docker, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

/** The registry that an image's name means, as Docker reads it. */
export function registryOf(image: string): string {
  return parseImage(image).host;
}

/**
 * What a `.dockerconfigjson` holds for an image's registry, the closest match first (kubelet,
 * `credentialprovider/keyring.go`). Empty when it holds nothing for it, or is no such document.
 */
export function credentialsFor(image: string, dockerConfigJson: string): readonly RegistryCredentials[] {
  const wanted = parseImage(image);
  const found = entriesOf(dockerConfigJson).flatMap(([key, value]) => {
    const place = parseKey(key);
    const login = loginOf(value);
    return login !== null && covers(place, wanted) ? [{ place, login }] : [];
  });
  // The longest path is the closest; a name is closer than a pattern.
  found.sort((a, b) => b.place.path.length - a.place.path.length || wildness(a.place) - wildness(b.place));
  const serverAddress = wanted.host === docker ? "https://index.docker.io/v1/" : wanted.host;
  return found.slice(0, mostTried).map(({ login }) => ({ serverAddress, ...login }));
}

interface Place {
  readonly host: string;
  /** Without slashes at its ends. */
  readonly path: string;
}

function parseImage(image: string): Place {
  const [first = "", ...rest] = image.split("/");
  // Docker takes a word with a capital for a host, too (distribution/reference, splitDockerDomain).
  const named = rest.length > 0 && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase());
  const path = bareName((named ? rest : [first, ...rest]).join("/"));
  if (named) return { host: imageHost(first), path };
  return { host: docker, path: rest.length === 0 ? `library/${path}` : path };
}

/** Without tag and digest. */
function bareName(path: string): string {
  const digest = path.indexOf("@");
  const tagged = digest < 0 ? path : path.slice(0, digest);
  const tag = tagged.lastIndexOf(":");
  return tag > tagged.lastIndexOf("/") ? tagged.slice(0, tag) : tagged;
}

/** Of Docker's own names an engine knows only this spelling: every other one goes to a host, which its credentials are not for. */
function imageHost(host: string): string {
  const known = canonicalHost(host);
  return known === docker && !dockerNames.includes(host) ? host : known;
}

/** A key of `auths`: a host, perhaps with scheme, port, path, and the `/v1/` or `/v2/` of the registry's own API. */
function parseKey(key: string): Place {
  const text = key.trim();
  const scheme = /^https?:\/\//i.exec(text)?.[0] ?? "";
  const rest = text.slice(scheme.length);
  const slash = rest.indexOf("/");
  const host = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? "" : rest.slice(slash).replace(/^\/v[12](?=\/|$)/, "");
  const plain = scheme.toLowerCase() === "http://" ? host.replace(/:80$/, "") : host;
  return { host: canonicalHost(plain), path: withoutSlashes(path) };
}

/** No expression: one that looks for the end of a text begins anew at each slash. */
function withoutSlashes(path: string): string {
  let [start, end] = [0, path.length];
  while (path[start] === "/") start += 1;
  while (end > start && path[end - 1] === "/") end -= 1;
  return path.slice(start, end);
}

/** 443 is where a registry is looked for anyway. */
function canonicalHost(host: string): string {
  const bare = host.toLowerCase().replace(/:443$/, "");
  return dockerNames.includes(bare) ? docker : bare;
}

function covers(place: Place, image: Place): boolean {
  if (!hostMatches(place.host, image.host)) return false;
  return place.path === "" || image.path === place.path || image.path.startsWith(`${place.path}/`);
}

/** A `*` stands for any text within one part of the host's name, as in the kubelet; a port is never a pattern. */
function hostMatches(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  if (!pattern.includes("*")) return false;
  const [patternName = "", patternPort] = pattern.split(":");
  const [name = "", port] = host.split(":");
  const wanted = patternName.split(".");
  const parts = name.split(".");
  if (patternPort !== port || wanted.length !== parts.length) return false;
  return wanted.every((part, index) => partMatches(part, parts[index] ?? ""));
}

/** Without a regular expression made of somebody's text: one with many stars could take for ever. */
function partMatches(pattern: string, text: string): boolean {
  const [head = "", ...pieces] = pattern.split("*");
  const tail = pieces.pop();
  if (tail === undefined) return pattern === text;
  if (!text.startsWith(head) || text.length < head.length + tail.length || !text.endsWith(tail)) return false;
  let at = head.length;
  for (const piece of pieces) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= text.length - tail.length;
}

function wildness({ host }: Place): number {
  return host.split("*").length;
}

/** `{"auths": {host: entry}}`, or the older form without `auths`. */
function entriesOf(text: string): readonly (readonly [string, unknown])[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isObject(parsed)) return [];
  const auths = Object.hasOwn(parsed, "auths") ? fieldOf(parsed, "auths") : parsed;
  return isObject(auths) ? Object.entries(auths) : [];
}

type Login = Omit<RegistryCredentials, "serverAddress">;

/** `auth` stands for name and password, and counts before them, as in Docker; null when the entry has nothing to show. */
function loginOf(entry: unknown): Login | null {
  if (!isObject(entry)) return null;
  const [username, password] = pairOf(fieldOf(entry, "auth")) ?? [
    fieldOf(entry, "username"),
    fieldOf(entry, "password"),
  ];
  const identityToken = fieldOf(entry, "identitytoken");
  const login: Login = {
    ...(isText(username) ? { username } : {}),
    ...(isText(username) && typeof password === "string" ? { password } : {}),
    ...(isText(identityToken) ? { identityToken } : {}),
  };
  return login.identityToken === undefined && login.password === undefined ? null : login;
}

/** base64 of `name:password`; a password may hold colons, and Docker once ended it with zeros. */
function pairOf(auth: unknown): readonly [string, string] | null {
  if (typeof auth !== "string") return null;
  const base64 = auth.replace(/\s/g, "").replaceAll("-", "+").replaceAll("_", "/");
  if (base64 === "" || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return null;
  const text = new TextDecoder().decode(decodeBase64(base64));
  const colon = text.indexOf(":");
  return colon < 1 ? null : [text.slice(0, colon), withoutZeros(text.slice(colon + 1))];
}

function withoutZeros(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end -= 1;
  return text.slice(0, end);
}

function fieldOf(value: object, name: string): unknown {
  return Reflect.get(value, name);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
