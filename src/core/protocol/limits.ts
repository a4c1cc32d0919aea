/** Limits of the wire and of what is said on it; each has a test that reaches it. */
export const maxMessageBytes = 1_048_576;
/** Content of an error reply, in characters: decisions.md 31. */
export const maxReplyCharacters = 2_048;
