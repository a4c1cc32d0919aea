import type { CompletedCommand, CompletedOption, Value } from "./completion-model.ts";

/** For the completion system of zsh: a function for each command. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const everywhere = commands[0]?.options ?? [];
  return `#compdef edge
# zsh completion for edge, made by: edge completion zsh
compdef _edge edge

_edge_pods() {
  local -a pods
  pods=(\${\${(f)"$(edge $config get pods -o name 2>/dev/null </dev/null)"}#pod/})
  compadd -a pods
}

${commands.map((command) => commandFunction(command, commands, everywhere).join("\n")).join("\n\n")}

# Loaded by compinit it runs at once; sourced, it is only defined.
if [[ "\${funcstack[1]}" == "_edge" ]]; then _edge "$@"; fi
`;
}

/** The configuration that is named on the line: also where completing a pod's name asks for the pods. */
const takenConfig = `  local -a config
  local at=\${words[(i)--config]}
  (( at < CURRENT - 1 )) && config=(--config \${words[at + 1]})`;

function commandFunction(
  command: CompletedCommand,
  all: readonly CompletedCommand[],
  everywhere: readonly CompletedOption[],
): readonly string[] {
  const { path, argument, commands } = command;
  const known = new Set<string>();
  const options = [...command.options, ...everywhere].filter(({ names }) => {
    const isNew = names.every((name) => !known.has(name));
    for (const name of names) known.add(name);
    return isNew;
  });
  const place =
    argument === null ? [] : [`${argument.kind === "file" ? "*" : "1"}:${argument.kind}:${action(argument)}`];
  const specs = [...options.flatMap(optionSpecs), ...(commands.length > 0 ? ["1: :->command", "*:: :->rest"] : place)];
  const below = all.filter((other) =>
    commands.some(({ name }) => other.path === (path === "" ? name : `${path} ${name}`)),
  );
  return [
    `${functionOf(path)}() {`,
    "  local curcontext=$curcontext state line",
    ...(path === "" ? [takenConfig] : []),
    `  _arguments -C ${specs.map(quoted).join(" ")}`,
    ...(commands.length === 0
      ? []
      : [
          "  case $state in",
          "    command)",
          "      local -a commands",
          `      commands=(${commands.map(({ name, meaning }) => quoted(`${name}:${meaning}`)).join(" ")})`,
          "      _describe command commands",
          "      ;;",
          "    rest)",
          "      case $words[1] in",
          ...below.map((inner) => `        ${namesOf(inner).join("|")}) ${functionOf(inner.path)} ;;`),
          "      esac",
          "      ;;",
          "  esac",
        ]),
    "}",
  ];
}

function functionOf(path: string): string {
  return ["_edge", ...path.split(" ")].filter((word) => word !== "").join("_");
}

function namesOf({ path, aliases }: CompletedCommand): readonly string[] {
  return [path.split(" ").at(-1) ?? "", ...aliases];
}

/** One for each name; a name excludes the others, and a long one takes its value behind "=", too. */
function optionSpecs({ names, meaning, value }: CompletedOption): readonly string[] {
  const excluded = names.length > 1 ? `(${names.join(" ")})` : "";
  return names.map((name) => {
    const taken = value === null ? "" : name.startsWith("--") ? "=" : "+";
    const rest = value === null ? "" : `:${value.kind}:${action(value)}`;
    return `${excluded}${name}${taken}[${escaped(meaning)}]${rest}`;
  });
}

function action(value: Value): string {
  switch (value.kind) {
    case "pod":
      return "_edge_pods";
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "words":
      return `(${value.words.join(" ")})`;
    case "anything":
      return " ";
  }
}

function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
