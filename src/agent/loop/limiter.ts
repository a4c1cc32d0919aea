/**
 * Runs at most `limit` tasks at a time. Those that wait begin in the order they came, urgent ones before all others.
 */
export type Limiter = <T>(task: () => Promise<T>, urgency?: "urgent") => Promise<T>;

export function createLimiter(limit: number): Limiter {
  let running = 0;
  const urgent: (() => void)[] = [];
  const others: (() => void)[] = [];
  return async (task, urgency) => {
    const queue = urgency === "urgent" ? urgent : others;
    if (running >= limit) await new Promise<void>((resolve) => queue.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      // The place is handed on, so that nobody who comes in between can take it.
      const following = urgent.shift() ?? others.shift();
      if (following === undefined) running -= 1;
      else following();
    }
  };
}
