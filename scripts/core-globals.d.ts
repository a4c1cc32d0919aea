// Everything beyond the language itself that core and ports may use; tsconfig.core.json loads no other types, so that
// the compiler itself refuses clocks, timers, files and the network there.

declare module "node:crypto" {
  interface Hash {
    update(data: string | Uint8Array): Hash;
    digest(encoding: "hex" | "base64" | "base64url"): string;
  }
  export function createHash(algorithm: "sha1" | "sha256"): Hash;
  /** In hexadecimal, of a text in UTF-8. */
  export function hash(algorithm: "sha256", text: string): string;
}

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
}

declare class TextEncoder {
  encode(input?: string): Uint8Array;
}

declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean });
  decode(input?: Uint8Array): string;
}

declare class URL {
  static canParse(text: string): boolean;
  constructor(url: string, base?: string);
  readonly protocol: string;
  readonly hostname: string;
  readonly host: string;
  readonly port: string;
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
  readonly username: string;
  readonly password: string;
}

declare function structuredClone<T>(value: T): T;

// Named in valibot's types, and never there.
type Blob = never;
type File = never;
