import type { FactoryFiles, FactoryText } from "../../src/ports/factory-files.ts";

export interface FakeFactoryFiles {
  readonly files: FactoryFiles;
  /** Writes a file; a text that is no JSON stands for one that cannot be read as a Pod. */
  write(file: string, text: string): void;
  remove(file: string): void;
  /** The whole folder goes, or is there again. */
  mount(isThere: boolean): void;
  names(): readonly string[];
  /** There are so many more files that the rest is not read. */
  crowd(more: number): void;
}

/** A folder of factory pods in memory. */
export function fakeFactoryFiles(): FakeFactoryFiles {
  const texts = new Map<string, { readonly text: string; readonly stamp: string }>();
  const listeners = new Set<() => void>();
  let stamps = 0;
  let isThere = true;
  let unread = 0;
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  return {
    files: {
      folder: "/etc/edge/pods.d",
      look() {
        if (!isThere) return { kind: "missing" };
        const names = [...texts.keys()].sort();
        return {
          kind: "read",
          files: new Map(names.map((name) => [name, texts.get(name)?.stamp ?? ""])),
          more: unread,
        };
      },
      async read(file): Promise<FactoryText> {
        const text = texts.get(file)?.text;
        if (text === undefined || !isThere) return { ok: false, reason: "cannot be read: ENOENT" };
        try {
          JSON.parse(text);
        } catch {
          return { ok: false, reason: "not valid JSON" };
        }
        return { ok: true, json: text };
      },
      watch(onChanged, signal) {
        listeners.add(onChanged);
        signal.addEventListener("abort", () => listeners.delete(onChanged), { once: true });
      },
    },
    write(file, text) {
      stamps += 1;
      texts.set(file, { text, stamp: String(stamps) });
      changed();
    },
    remove(file) {
      texts.delete(file);
      changed();
    },
    mount(next) {
      isThere = next;
      changed();
    },
    crowd(more) {
      unread = more;
      changed();
    },
    names: () => [...texts.keys()].sort(),
  };
}
