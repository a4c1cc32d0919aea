/** A word of kubectl or docker that is not here, and what to write in its place. */
interface Absent {
  readonly words: readonly string[];
  readonly instead: string;
}

const absent: readonly Absent[] = [
  {
    words: ["exec", "attach"],
    instead: "As root: docker exec -it ID COMMAND; edge pod NAME prints the ID of each container.",
  },
  { words: ["cp"], instead: "As root: docker cp; edge pod NAME prints the ID of each container." },
  { words: ["create", "replace", "edit", "patch", "scale", "set"], instead: "Write edge apply -f FILE." },
  { words: ["diff"], instead: "edge validate FILE says whether this device would accept a pod." },
  {
    words: ["explain"],
    instead: "edge validate --explain RULE explains a rule; docs/admission-rules.md lists the fields.",
  },
  { words: ["node", "nodes", "info", "cluster-info"], instead: "edge status shows this device." },
  { words: ["version"], instead: "Write edge --version." },
  { words: ["ps", "list", "ls"], instead: "Write edge get pods, or edge status." },
  { words: ["top", "stats"], instead: "As root: docker stats shows what containers use." },
  { words: ["rm", "stop", "kill"], instead: "edge delete NAME stops a pod and deletes it." },
  { words: ["start"], instead: "A pod runs from edge apply to edge delete; edge restart NAME restarts it." },
  { words: ["inspect"], instead: "Write edge pod NAME." },
  { words: ["rollout"], instead: "edge restart NAME restarts a pod." },
  { words: ["reload"], instead: "As root: systemctl reload edge makes the agent read its policy again." },
];

const absentFromGet: readonly Absent[] = [
  { words: ["nodes", "node", "no"], instead: "edge status shows this device." },
  { words: ["events", "event", "ev"], instead: "Write edge events." },
  {
    words: ["all", "deployments", "daemonsets", "services", "namespaces", "configmaps", "secrets"],
    instead: "Write edge get pods: of these a device has only pods to show.",
  },
];

const noLabels: Absent = { words: ["-l", "--selector"], instead: "A device does not keep labels: name the pods." };

/** Options of kubectl, by the command of this program that does not have them. */
const absentOptions: ReadonlyMap<string, readonly Absent[]> = new Map([
  ["get", [{ words: ["-w", "--watch"], instead: "Write edge status --watch." }, noLabels]],
  ["status", [{ words: ["-o", "--output"], instead: "Write edge status --json." }]],
  ["validate", [{ words: ["-f", "--filename"], instead: "Write edge validate FILE." }]],
  ["apply", [{ words: ["--dry-run"], instead: "Write edge validate FILE." }, noLabels]],
  ["delete", [{ words: ["--all"], instead: "Name the pods; edge get pods lists them." }, noLabels]],
]);

const insteadOfMore: ReadonlyMap<string, string> = new Map([
  ["status", "Of one pod: edge pod NAME."],
  ["events", "Of one pod: edge events --pod NAME."],
  ["logs", "Of one container: edge logs NAME -c CONTAINER."],
  ["config", "edge config prints all of it; edge config check checks it."],
  ["run", "edge run is the agent. A pod runs with edge apply -f FILE."],
]);

/** What to write in place of more arguments than a command takes; null where the command's help says it all. */
export function insteadOfArguments(args: readonly string[]): string | null {
  return insteadOfMore.get(typedWords(args)[0] ?? "") ?? null;
}

/**
 * What to write in place of a command or an option that is not here; null for any other. Looked up before the commands are
 * made, so that no command starts later for it.
 * @param args as they were typed after `edge`
 */
export function absentCommand(args: readonly string[]): string | null {
  if (["-n", "--namespace"].includes(args[0] ?? ""))
    return "Write -n NAMESPACE behind the command: edge get pods -n NAMESPACE.";
  const [first = "", second = ""] = typedWords(args);
  const [group, path, word] = first === "get" ? [absentFromGet, "edge get", second] : [absent, "edge", first];
  const found = group.find(({ words }) => words.includes(word));
  if (found !== undefined) return `There is no ${path} ${word}. ${found.instead}`;
  return absentOption(first, args);
}

/** Without options; of the values of options only the name of the configuration is known as one. */
function typedWords(args: readonly string[]): readonly string[] {
  return args.filter((arg, index) => !arg.startsWith("-") && args[index - 1] !== "--config");
}

function absentOption(command: string, args: readonly string[]): string | null {
  for (const { words, instead } of absentOptions.get(command) ?? []) {
    const typed = words.find((word) => args.some((arg) => arg === word || arg.startsWith(`${word}=`)));
    if (typed !== undefined) return `There is no edge ${command} ${typed}. ${instead}`;
  }
  return null;
}
