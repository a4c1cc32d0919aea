import { counted } from "../base/counted.ts";
import { formatTime } from "../pod/time.ts";

/** What is said of a certificate; the times are milliseconds since the epoch. */
export interface Certificate {
  readonly file: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** How many days ahead the end of a certificate is told, each once; 0 says that it has come. */
const stages = [30, 14, 7, 1] as const;
const dayMs = 86_400_000;

export type ExpiryStage = (typeof stages)[number] | 0;

/** The stage a certificate has reached: the least number of days it is within; null when there is more time than that. */
export function expiryStage(notAfter: number, wall: number): ExpiryStage | null {
  if (wall >= notAfter) return 0;
  return stages.findLast((days) => notAfter - wall <= days * dayMs) ?? null;
}

/** What is wrong with a certificate now, or soon will be, as a sentence; null when nothing is. */
export function certificateConcern({ file, notBefore, notAfter }: Certificate, wall: number): string | null {
  if (wall < notBefore) {
    return `The certificate in ${file} is not yet valid, it is from ${formatTime(notBefore)}: ${clockMayBeWrong(wall)}`;
  }
  const stage = expiryStage(notAfter, wall);
  if (stage === null) return null;
  if (stage === 0) return `The certificate in ${file} expired at ${formatTime(notAfter)}`;
  const days = Math.floor((notAfter - wall) / dayMs);
  const left = days === 0 ? "within a day" : `in ${counted(days, "day")}`;
  return `The certificate in ${file} expires ${left}, at ${formatTime(notAfter)}`;
}

/** A device without a clock battery starts in 1970: the likely cause of a certificate that is not yet valid. */
export function clockMayBeWrong(wall: number): string {
  return `this device's clock says ${formatTime(wall)}, which is the likely cause`;
}
