/** Why a text is not JSON, with the line where its parser stopped: "not valid JSON at line 3". */
export function jsonProblem(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  if (/end of JSON input/.test(message)) return "not valid JSON: it ends too early";
  const position = / at position (\d{1,15})/.exec(message)?.[1];
  // Of a short text V8 quotes all and tells no position.
  const line = position === undefined ? 1 : text.slice(0, Number(position)).split("\n").length;
  return position === undefined && text.includes("\n") ? "not valid JSON" : `not valid JSON at line ${line}`;
}
