/** A line to type, and what it does. */
export interface Example {
  readonly line: string;
  readonly purpose: string;
}

/** For the help of a command, docs/cli.md and the manual page: the commands behind `edge`, and examples of each. */
const examples: ReadonlyMap<string, readonly Example[]> = new Map([
  ["status", [{ line: "edge status --watch", purpose: "watch the device until Ctrl-C" }]],
  [
    "get pods",
    [
      { line: "edge get pods -o wide", purpose: "list pods with address and namespace" },
      { line: "edge get pods web -o yaml", purpose: "print a pod as Kubernetes has it" },
    ],
  ],
  ["pod", [{ line: "edge pod web", purpose: "show pod web and what to do about it" }]],
  ["describe", [{ line: "edge describe pod web", purpose: "the same as edge pod web" }]],
  [
    "wait",
    [
      { line: "edge wait web --for=Ready --timeout=2m", purpose: "wait until pod web is ready" },
      { line: "edge wait web --for=Deleted", purpose: "wait until pod web is gone" },
    ],
  ],
  ["events", [{ line: "edge events --pod web -f", purpose: "follow what happens to pod web" }]],
  [
    "logs",
    [
      { line: "edge logs -f web", purpose: "follow the output of pod web" },
      { line: "edge logs -p web", purpose: "see what the last crash printed" },
      { line: "edge logs --all-containers --since 1h web", purpose: "the last hour of every container" },
    ],
  ],
  [
    "apply",
    [
      { line: "edge apply -f web.yaml", purpose: "create or change a pod, and wait until it is ready" },
      { line: "edge apply -f - --no-wait", purpose: "the same from standard input, without waiting" },
    ],
  ],
  ["delete", [{ line: "edge delete web --grace-period 5", purpose: "delete pod web within 5 seconds" }]],
  ["restart", [{ line: "edge restart web", purpose: "create the containers of pod web anew" }]],
  ["validate", [{ line: "edge validate pod.yaml", purpose: "list every rule that a pod breaks" }]],
  [
    "install",
    [
      {
        line: "edge install --root DIR --pod web.yaml --image web.tar",
        purpose: "with a pod",
      },
    ],
  ],
  ["completion", [{ line: "source <(edge completion bash)", purpose: "complete edge in this shell" }]],
]);

/** Examples of a command, by its words behind `edge`. */
export function examplesOf(path: string): readonly Example[] {
  return examples.get(path) ?? [];
}

/** What stands below the help of a command; "" without an example. */
export function examplesText(path: string): string {
  const own = examplesOf(path);
  const width = Math.max(...own.map(({ line }) => line.length));
  const lines = own.map(({ line, purpose }) => `  ${line.padEnd(width)}  ${purpose}`);
  return own.length === 0 ? "" : ["", "Examples:", ...lines].join("\n");
}
