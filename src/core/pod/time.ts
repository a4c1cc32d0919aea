import { ownValue } from "../base/own-value.ts";

/**
 * Times as they stand on the wire and on the engine. Core has no Date, so the calendar is arithmetic here: days of the
 * proleptic Gregorian calendar, counted from March so that the leap day comes last (Howard Hinnant's `days_from_civil`).
 */

const pattern = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/**
 * RFC 3339 to milliseconds since the epoch.
 * @returns NaN when the text is no such time (a month 13, 30 February, no zone); Docker's zero time
 * `0001-01-01T00:00:00Z` is NaN too, since it stands for "never"
 */
export function parseTime(text: string): number {
  const found = pattern.exec(text);
  if (found === null) return Number.NaN;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (year === 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return Number.NaN;
  if (hour > 23 || minute > 59 || second > 60) return Number.NaN;
  const zoneHour = Number(found[9] ?? 0);
  const zoneMinute = Number(found[10] ?? 0);
  if (zoneHour > 23 || zoneMinute > 59) return Number.NaN;
  const zone = (found[8] === "-" ? -1 : 1) * (zoneHour * 60 + zoneMinute);
  const millis = Math.floor(Number(`0.${found[7] ?? 0}`) * 1000);
  const seconds = daysFromCivil(year, month, day) * 86_400 + hour * 3600 + (minute - zone) * 60 + second;
  return seconds * 1000 + millis;
}

/** Milliseconds since the epoch to RFC 3339 in whole seconds, as Kubernetes writes times. */
export function formatTime(wallMs: number): string {
  const total = Math.floor(wallMs / 1000);
  const days = Math.floor(total / 86_400);
  const rest = total - days * 86_400;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (n: number) => String(n).padStart(2, "0");
  const date = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
  return `${date}T${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}Z`;
}

/** Up to an hour in whole seconds, as Go and so the kubelet writes it: 40s, 1m20s, 5m0s. */
export function formatDuration(ms: number): string {
  const total = Math.floor(ms / 1000);
  return total < 60 ? `${total}s` : `${Math.floor(total / 60)}m${total % 60}s`;
}

const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/**
 * A duration as a person writes it and Go reads it (`time.ParseDuration`): 30s, 5m, 1h30m, 250ms. Also a bare 0.
 * @returns milliseconds; null if it is no duration
 */
export function parseDuration(text: string): number | null {
  if (text === "0") return 0;
  if (!/^(?:\d{1,6}(?:h|ms|m|s)){1,4}$/.test(text)) return null;
  let total = 0;
  for (const [, count = "", unit = ""] of text.matchAll(/(\d{1,6})(h|ms|m|s)/g)) {
    total += Number(count) * (ownValue(units, unit) ?? 0);
  }
  return total;
}
