import type { PerMessageDeflateOptions } from "ws";

/**
 * permessage-deflate (RFC 7692) within bounds: nothing is kept between two messages on either side, so a connection holds
 * no dictionaries; what is short is sent as it is; and `maxPayload` counts what a message grows to, so a small message
 * cannot become a large one.
 */
export const boundedCompression: PerMessageDeflateOptions = {
  clientNoContextTakeover: true,
  serverNoContextTakeover: true,
  threshold: 1_024,
  concurrencyLimit: 2,
  zlibDeflateOptions: { memLevel: 7 },
};
