import { formatTime, parseTime } from "../pod/time.ts";

/** No clock that goes right says less: this program is younger. */
const leastWall = parseTime("2026-01-01T00:00:00Z");

export const clockTodo = "Set it and keep it set (timedatectl set-ntp true): certificates are judged by the clock";

/** What is wrong with a clock that stands before this program was made, as one without a battery does; null where nothing is. */
export function clockConcern(wall: number): { readonly message: string; readonly todo: string } | null {
  if (wall >= leastWall) return null;
  return { message: `The clock says ${formatTime(wall)}, which is in the past`, todo: clockTodo };
}
