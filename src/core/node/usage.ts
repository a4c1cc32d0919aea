/** How much of what a device has is taken, right now. What cannot be read is null: unknown, and no reason for anything. */
export interface NodeUsage {
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number } | null;
  /** The file system that the agent's data folder is on. */
  readonly dataDisk: DiskUsage | null;
  /** The file system that the engine keeps images and containers on. */
  readonly engineDisk: DiskUsage | null;
  /** Processes and threads, as pid_max counts them. */
  readonly processes: { readonly running: number; readonly most: number } | null;
}

export interface DiskUsage {
  readonly totalBytes: number;
  /** For an ordinary user: what is reserved for root is not free. */
  readonly freeBytes: number;
  /** Null where the file system makes them as it needs them. */
  readonly inodes: { readonly total: number; readonly free: number } | null;
}

/** Per cent that are taken, as the kubelet counts: what is not available is taken, reserved or not. */
export function usedPercent({ totalBytes, freeBytes }: DiskUsage): number {
  return totalBytes <= 0 ? 0 : 100 - (freeBytes * 100) / totalBytes;
}
