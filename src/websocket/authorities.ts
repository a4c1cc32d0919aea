import { getCACertificates, setDefaultCACertificates } from "node:tls";

/** Whether the certificate of the center must come from an authority of the system: TLS, and no file of authorities (`ca`). */
export function believesSystem(url: string, ca: string | null): boolean {
  return ca === null && url.startsWith("wss:");
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
