const digits = /^[0-9]{1,64}$/;

/**
 * Compares two resourceVersions as numbers of any length (decisions.md 37: messages may arrive out of order).
 * @returns "older", "equal" or "newer" as `sent` stands to `known`; null where one is no number
 */
export function versionOrder(sent: string | undefined, known: string | undefined): "older" | "equal" | "newer" | null {
  if (sent === undefined || known === undefined || !digits.test(sent) || !digits.test(known)) return null;
  const difference = BigInt(sent) - BigInt(known);
  if (difference === 0n) return "equal";
  return difference < 0n ? "older" : "newer";
}
