import type { CompletedCommand, CompletedOption, Value } from "./completion-model.ts";

/** For bash 4 and later, with or without the package bash-completion. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const below = commands.filter(({ path }) => path !== "");
  const takeValue = commands
    .flatMap(({ options }) => options)
    .filter(({ value }) => value !== null)
    .flatMap(({ names }) => names)
    .filter((name) => name !== "--config");
  const wordCases = commands.map((command) => wordCase(command, commands[0]?.options ?? []));
  return `# bash completion for edge, made by: edge completion bash
_edge_pods() {
  local names=$(edge "\${config[@]}" get pods -o name 2>/dev/null </dev/null)
  printf '%s' "\${names//pod\\//}"
}

_edge() {
  local cur=\${COMP_WORDS[COMP_CWORD]} command="" words="" prev i
  local config=()
  COMPREPLY=()
  for ((i = 1; i <= COMP_CWORD; i++)); do
    # Bash takes --for=Ready apart.
    prev=\${COMP_WORDS[i - 1]}
    if [[ $prev == "=" ]]; then prev=\${COMP_WORDS[i - 2]}; fi
    if ((i == COMP_CWORD)) || [[ \${COMP_WORDS[i]} == "=" ]]; then continue; fi
    case "$prev" in
      --config) config=(--config "\${COMP_WORDS[i]}"); continue ;;
      ${[...new Set(takeValue)].join(" | ")}) continue ;;
    esac
    case "$command \${COMP_WORDS[i]}" in
${below.map((command) => `      ${pathsOf(command).map(quoted).join(" | ")}) command=${quoted(command.path)} ;;`).join("\n")}
    esac
  done
  if [[ $cur == "=" ]]; then cur=""; fi
  case "$command $prev" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case "$command" in
${wordCases.join("\n")}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _edge edge
`;
}

/** What follows an option. */
function valueCases({ path, options }: CompletedCommand): readonly string[] {
  return options.flatMap(({ names, value }) => {
    if (value === null) return [];
    const pattern = names.map((name) => (path === "" ? `*${quoted(` ${name}`)}` : quoted(`${path} ${name}`)));
    return [`    ${pattern.join(" | ")}) ${completing(value)}; return ;;`];
  });
}

/** What a command takes itself: its options and those of every command, commands below it, its argument. */
function wordCase(
  { path, options, argument, commands }: CompletedCommand,
  everywhere: readonly CompletedOption[],
): string {
  const names = new Set([...options, ...everywhere].flatMap((option) => option.names));
  const words = commands.map(({ name }) => name);
  const rest =
    words.length > 0 ? `words=${quoted(words.join(" "))}` : argument === null ? ":" : `${completing(argument)}; return`;
  return `    ${quoted(path)}) if [[ $cur == -* ]]; then words=${quoted([...names].join(" "))}; else ${rest}; fi ;;`;
}

/** Each way to write a command, behind the path of the one above it and a space. */
function pathsOf({ path, aliases }: CompletedCommand): readonly string[] {
  const words = path.split(" ");
  const above = words.slice(0, -1).join(" ");
  return [words.at(-1) ?? "", ...aliases].map((name) => `${above} ${name}`);
}

function completing(value: Value): string {
  switch (value.kind) {
    case "pod":
      return 'mapfile -t COMPREPLY < <(compgen -W "$(_edge_pods)" -- "$cur")';
    case "file":
      return 'compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")';
    case "folder":
      return 'compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur")';
    case "words":
      return `mapfile -t COMPREPLY < <(compgen -W ${quoted(value.words.join(" "))} -- "$cur")`;
    case "anything":
      return "COMPREPLY=()";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
