import { createHash } from "node:crypto";

const uuidAtTheEnd = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Namespace of the uuids we derive, made once for this project. */
const uuidNamespace = "6f1d2c8e-9b0a-4f57-8c3d-5a7e1b2c4d60";

/** The uid the device goes by: as sent, else the uuid that ends the name, else a uuid v5 of namespace/name. */
export function uidOf(metadata: {
  readonly uid?: string;
  readonly name?: string;
  readonly namespace?: string;
}): string {
  const { uid = "", name = "", namespace = "websocket" } = metadata;
  if (uid !== "") return uid;
  return uuidAtTheEnd.exec(name)?.[0] ?? uuidV5(`${namespace}/${name}`);
}

/** RFC 9562, section 5.5. */
function uuidV5(name: string): string {
  const digits = uuidNamespace.replaceAll("-", "");
  const bytes = Array.from({ length: 16 }, (_, index) => Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16));
  const hex = createHash("sha1").update(new Uint8Array(bytes)).update(name).digest("hex");
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `${variant}${hex.slice(18, 20)}`];
  return [...parts, hex.slice(20, 32)].join("-");
}
