const quote = 0x22;
const backslash = 0x5c;
const letterU = 0x75;

/**
 * Takes JSON as it comes, piece by piece, and gives it back with every string that is longer than `longest` characters cut
 * there: what an image says in a label must not fill the memory. An escape is never cut in its middle.
 */
export function textCutter(longest: number): (piece: string) => string {
  let place: "outside" | "inside" | "behindBackslash" = "outside";
  /** Digits that are still to come of a `\u`. */
  let digits = 0;
  let length = 0;
  let isCut = false;

  return (piece) => {
    let kept = "";
    let from = 0;
    for (let index = 0; index < piece.length; index += 1) {
      const code = piece.charCodeAt(index);
      if (place === "outside") {
        if (code === quote) place = "inside";
        length = 0;
      } else if (place === "behindBackslash") {
        place = "inside";
        digits = code === letterU ? 4 : 0;
      } else if (digits > 0) {
        digits -= 1;
      } else if (code === quote) {
        place = "outside";
        if (isCut) from = index;
        isCut = false;
      } else {
        if (length === longest) {
          kept += piece.slice(from, index);
          isCut = true;
        }
        length += 1;
        if (code === backslash) place = "behindBackslash";
      }
    }
    return isCut ? kept : kept + piece.slice(from);
  };
}
