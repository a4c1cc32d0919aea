const domainPart = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/;
const port = /^[0-9]+$/;
const pathPart = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tag = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$/;
const imageId = /^[a-f0-9]{64}$/;
/** Of the name without its tag. */
const longestName = 255;

/**
 * Whether an image name without a digest can be the name of an image: the grammar of `ParseNormalizedNamed`
 * (distribution/reference), which the kubelet and Docker go by.
 */
export function isImageName(text: string): boolean {
  const lastSlash = text.lastIndexOf("/");
  const colon = text.indexOf(":", lastSlash + 1);
  const name = colon < 0 ? text : text.slice(0, colon);
  if (colon >= 0 && !tag.test(text.slice(colon + 1))) return false;
  if (name.length > longestName || imageId.test(text)) return false;
  const parts = name.split("/");
  const [first = ""] = parts;
  const hasDomain = parts.length > 1 && (/[.:A-Z]/.test(first) || first === "localhost");
  if (hasDomain && !isDomain(first)) return false;
  return parts.slice(hasDomain ? 1 : 0).every((part) => pathPart.test(part));
}

function isDomain(text: string): boolean {
  const colon = text.indexOf(":");
  const host = colon < 0 ? text : text.slice(0, colon);
  if (colon >= 0 && !port.test(text.slice(colon + 1))) return false;
  return host.split(".").every((part) => domainPart.test(part));
}
