import { readFileSync } from "node:fs";
import { join } from "node:path";
import { usableSerialNumber } from "../core/config/serial-number.ts";

/**
 * Where boards and PCs keep it. Not `/etc/machine-id`: it is copied with an image and made anew by flashing, so it names
 * an installation and no device.
 */
const places = ["sys/firmware/devicetree/base/serial-number", "sys/class/dmi/id/product_serial"] as const;

/**
 * The serial number that the vendor gave this device; null when there is none, or when this user may not read it (DMI's is
 * for root alone).
 * @param root where the kernel shows itself: `/`
 */
export function readSerialNumber(root = "/"): string | null {
  for (const place of places) {
    const serial = usableSerialNumber(read(join(root, place)));
    if (serial !== null) return serial;
  }
  return null;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
