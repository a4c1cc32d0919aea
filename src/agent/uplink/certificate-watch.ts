import { type Certificate, certificateConcern, expiryStage } from "../../core/protocol/certificate.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";

export interface CertificateWatchParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: EventRecorder;
}

/**
 * Tells of certificates that come to their end: one event at 30, 14, 7 and 1 day, and when they have. What was told is
 * kept in the store, so that neither time nor a restart tells it again.
 */
export function certificateWatch(parts: CertificateWatchParts): (certificates: readonly Certificate[]) => void {
  const warned = new Map<string, string>();
  return (certificates) => {
    for (const certificate of certificates) {
      const wall = parts.clock.wall();
      const stage = expiryStage(certificate.notAfter, wall);
      if (stage === null || wall < certificate.notBefore) continue;
      const mark = `${certificate.notAfter} ${stage}`;
      if (warned.get(certificate.file) === mark) continue;
      warned.set(certificate.file, mark);
      recordConcern(parts, certificate, mark);
    }
  };
}

function recordConcern({ store, clock, events }: CertificateWatchParts, certificate: Certificate, mark: string): void {
  const key = `certificateTold ${certificate.file}`;
  if (store.getMeta(key) === mark) return;
  const message = certificateConcern(certificate, clock.wall()) ?? "";
  store.transaction("normal", () => {
    store.setMeta(key, mark);
    events.recordDeviceEvent({ type: "Warning", reason: "CertificateExpires", message });
  });
}
