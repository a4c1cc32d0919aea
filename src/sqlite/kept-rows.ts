/** How the rows of one table are read. */
export interface RowSource<Key, Value> {
  /** The keys of all rows, in the order of the list. */
  readonly keys: () => readonly Key[];
  /** One row, null when there is none. */
  readonly read: (key: Key) => ReadRow<Value> | null;
}

export interface ReadRow<Value> {
  readonly value: Value;
  /** Characters of JSON that it was parsed from. */
  readonly size: number;
}

/** The rows of one table, kept in memory as they were last read. */
export interface KeptRows<Key, Value> {
  get(key: Key): Value | null;
  list(): readonly Value[];
  /** This row has been written: it is read again. */
  written(key: Key): void;
  deleted(key: Key): void;
  /** Nothing is known any more. */
  forget(): void;
}

/** Of the JSON of all rows that are kept; 128 pods of 8,000 characters. What is more is read at each look. */
const mostCharacters = 1024 * 1024;

/** Each look of a pod reads the rows of all pods, so that rows that were parsed each time made the cost grow with n². */
export function keptRows<Key, Value>({ keys, read }: RowSource<Key, Value>): KeptRows<Key, Value> {
  const kept = new Map<Key, ReadRow<Value>>();
  let size = 0;
  let order: readonly Key[] | null = null;

  function get(key: Key): Value | null {
    const row = kept.get(key) ?? read(key);
    if (row === null) return null;
    if (!kept.has(key) && size + row.size <= mostCharacters) {
      kept.set(key, row);
      size += row.size;
    }
    return row.value;
  }

  function drop(key: Key): void {
    size -= kept.get(key)?.size ?? 0;
    kept.delete(key);
  }

  return {
    get,
    list() {
      order ??= keys();
      return order.flatMap((key) => get(key) ?? []);
    },
    written(key) {
      // A row that was there before keeps its place.
      if (!kept.has(key)) order = null;
      drop(key);
    },
    deleted(key) {
      drop(key);
      order = null;
    },
    forget() {
      kept.clear();
      size = 0;
      order = null;
    },
  };
}
