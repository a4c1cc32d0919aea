/** Limits of the wire and of what is said on it; each has a test that reaches it. */
export const maxMessageBytes = 1_048_576;
/** Content of an error reply, in characters (decisions.md 31: one reply names every violation it can). */
export const maxReplyCharacters = 2_048;
/** How deep a message may nest. A pod needs 11 levels; without a bound, one megabyte of brackets overflows a recursion. */
export const maxNesting = 64;
