/**
 * The value that a record itself has under a key, undefined if it has none. `record[key]` would also find what every
 * object inherits: a container may be called `constructor`, and a file `__proto__`.
 */
export function ownValue<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
