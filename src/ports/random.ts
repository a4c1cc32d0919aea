export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A version 4 uuid, lower case. */
  uuid(): string;
}
