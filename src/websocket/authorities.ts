import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { Config } from "../core/config/config.ts";

/** Whether the center's certificate is to be of one of the system's authorities: TLS, and no authority of its own named. */
export function believesSystem({ center }: Pick<Config, "center">): boolean {
  return center.tls.ca === null && center.url.startsWith("wss:");
}

/**
 * From now on this process believes the authorities of the system (OpenSSL's file and folder, SSL_CERT_FILE and SSL_CERT_DIR),
 * and none that Node brings along: one that the owner removed from the system is believed no more. A system that has none
 * believes nobody. Read once: what changes there counts from the next start.
 */
export function believeSystemAuthorities(): void {
  // A file and the folder of the same authorities are mostly both there.
  setDefaultCACertificates([...new Set(getCACertificates("system"))]);
}
