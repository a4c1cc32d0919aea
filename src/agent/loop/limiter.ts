/** Runs at most `limit` tasks at a time, the others in the order they came. */
export type Limiter = <T>(task: () => Promise<T>) => Promise<T>;

export function createLimiter(limit: number): Limiter {
  let running = 0;
  const queue: (() => void)[] = [];
  return async (task) => {
    if (running >= limit) await new Promise<void>((resolve) => queue.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      // The place is handed on, so that nobody who comes in between can take it.
      const following = queue.shift();
      if (following === undefined) running -= 1;
      else following();
    }
  };
}
