/** The folder of factory pods (key `local.podsDir`), as its files stand there now. */
export interface FactoryFiles {
  /** Its path, for people. */
  readonly folder: string;
  /** What lies in the folder, without reading any file. */
  look(): FactoryFolder;
  /** One file as JSON. It may change or go at any moment: then it has a problem. */
  read(file: string): Promise<FactoryText>;
  /** Calls `onChanged` after changes of the folder until the signal aborts; it may miss some, so that looks are needed too. */
  watch(onChanged: () => void, signal: AbortSignal): void;
}

export type FactoryFolder =
  | {
      readonly kind: "read";
      /** By name of the file, in order; the stamp is another one whenever the file has changed. */
      readonly files: ReadonlyMap<string, string>;
      /** How many more files there are than are read. */
      readonly more: number;
    }
  /** A folder that is not there is not an empty one: a disk may not be mounted. */
  | { readonly kind: "missing" }
  | { readonly kind: "unreadable"; readonly reason: string };

export type FactoryText =
  | { readonly ok: true; readonly json: string }
  | { readonly ok: false; readonly reason: string };
