import type { CompletedCommand, CompletedOption, Value } from "./completion-model.ts";

/** For fish 3 and later. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const options = commands.flatMap((command) => command.options);
  const takeValue = new Set(options.filter(({ value }) => value !== null).flatMap(({ names }) => names));
  return [
    "# fish completion for edge, made by: edge completion fish",
    "",
    "# Whether the command that is typed is this one.",
    "function __edge_at",
    "    set -l path ''",
    "    set -l isValue 0",
    "    for word in (commandline -opc)[2..]",
    "        if test $isValue = 1",
    "            set isValue 0",
    "            continue",
    "        end",
    "        switch $word",
    `            case ${[...takeValue].join(" ")}`,
    "                set isValue 1",
    "            case '-*'",
    "                continue",
    "            case '*'",
    '                switch "$path $word"',
    ...commands.flatMap((command) => pathCase(command)),
    "                end",
    "        end",
    "    end",
    '    test "$path" = "$argv[1]"',
    "end",
    "",
    "function __edge_pods",
    "    set -l config",
    "    set -l words (commandline -opc)",
    "    if set -l at (contains -i -- --config $words)",
    "        set config --config $words[(math $at + 1)]",
    "    end",
    "    edge $config get pods -o name 2>/dev/null </dev/null | string replace -r '^pod/' ''",
    "end",
    "",
    "complete -c edge -f",
    ...(commands[0]?.options ?? []).map((option) => completeOption("", option)),
    ...commands.flatMap(completeCommand),
    "",
  ].join("\n");
}

function pathCase({ path, aliases }: CompletedCommand): readonly string[] {
  if (path === "") return [];
  const words = path.split(" ");
  const above = words.slice(0, -1).join(" ");
  const names = [words.at(-1) ?? "", ...aliases].map((name) => quoted(`${above} ${name}`));
  return [`                    case ${names.join(" ")}`, `                        set path ${quoted(path)}`];
}

function completeCommand({ path, options, argument, commands }: CompletedCommand): readonly string[] {
  const at = ` -n ${quoted(`__edge_at ${quoted(path)}`)}`;
  return [
    ...(path === "" ? [] : options.map((option) => completeOption(at, option))),
    ...commands.map(({ name, meaning }) => `complete -c edge${at} -a ${name} -d ${quoted(meaning)}`),
    ...(argument === null ? [] : [`complete -c edge${at}${completing(argument)}`]),
  ];
}

function completeOption(at: string, { names, meaning, value }: CompletedOption): string {
  const flags = names.map((name) => (name.startsWith("--") ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`));
  // Files unless something else is to come there.
  const taken = value === null ? "" : `${value.kind === "file" ? " -r" : " -x"}${completing(value)}`;
  return `complete -c edge${at}${flags.join("")}${taken} -d ${quoted(meaning)}`;
}

function completing(value: Value): string {
  switch (value.kind) {
    case "pod":
      return " -a '(__edge_pods)'";
    case "file":
      return " -F";
    case "folder":
      return " -a '(__fish_complete_directories (commandline -ct))'";
    case "words":
      return ` -a ${quoted(value.words.join(" "))}`;
    case "anything":
      return "";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
