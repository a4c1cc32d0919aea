/** Time as an argument. A device without a clock battery starts in 1970 and jumps; only `mono` may decide anything. */
export interface Clock {
  /** Milliseconds since the epoch. For reports, never for timers. */
  wall(): number;
  /** Milliseconds on a clock that starts with the device, never jumps, and is the same for every process. */
  mono(): number;
  /** Names this boot of the device: two `mono` values compare only within one boot. */
  bootId(): string;
  /**
   * Resolves after `ms` milliseconds, or as soon as the signal aborts; with 0 or less, once all that has arrived is read.
   * Never rejects.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
