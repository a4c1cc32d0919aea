const hidden = "(hidden)";

/**
 * An address as it may be shown or written down: what stands before an `@` and behind a `?` or `#` may be a password or a
 * token. Takes what is no address, too: of a mistyped one nothing more is shown.
 */
export function shownUrl(url: string): string {
  const query = url.search(/[?#]/);
  const place = query < 0 ? url : url.slice(0, query);
  const slashes = place.indexOf("//");
  const scheme = slashes < 0 ? "" : place.slice(0, slashes + 2);
  const at = place.lastIndexOf("@");
  const bare = at < 0 ? place : `${scheme}${hidden}${place.slice(at)}`;
  return query < 0 ? bare : `${bare}${url[query]}${hidden}`;
}

/** A text of somebody else, such as an engine's error, with the same parts of every http address in it hidden. */
export function withoutUrlSecrets(text: string): string {
  return text.replace(/\bhttps?:\/\/[^\s"'<>]*/gi, (url) => {
    const authority = url.slice(0, `${url}/`.indexOf("/", url.indexOf("//") + 2));
    const query = url.search(/[?#]/);
    // An `@` behind the host is part of an image's name.
    return query < 0 && !authority.includes("@") ? url : `${shownUrl(authority)}${restOf(url, authority.length)}`;
  });
}

function restOf(url: string, from: number): string {
  const rest = url.slice(from);
  const query = rest.search(/[?#]/);
  return query < 0 ? rest : `${rest.slice(0, query + 1)}${hidden}`;
}
