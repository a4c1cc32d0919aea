/**
 * Reads a JSON column that this program wrote. What is not an object with those keys was damaged on the disk, and then
 * stopping is right: pods keep running, and nothing is decided from half a record.
 */
export function readJson<T extends object>(text: string, what: string, keys: readonly (keyof T & string)[]): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`The store holds a damaged ${what}`, { cause });
  }
  if (!isObjectWith<T>(value, keys)) throw new Error(`The store holds a damaged ${what}`);
  return value;
}

function isObjectWith<T extends object>(value: unknown, keys: readonly (keyof T & string)[]): value is T {
  return typeof value === "object" && value !== null && keys.every((key) => Object.hasOwn(value, key));
}
