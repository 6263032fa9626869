import type { ArgumentSpec, CommandSpec, OptionSpec, Parsed } from "./arguments/mod.ts";

const FILES = {
  name: "FILE",
  required: true,
  repeat: true,
  completes: "file",
  summary: "A manifest (.yaml, .yml, .json), a directory of manifests, or - for standard input",
} as const satisfies ArgumentSpec;

const POD = {
  name: "POD",
  required: true,
  completes: "pod",
  summary: "The pod's name, as NAME or pod/NAME",
} as const satisfies ArgumentSpec;

const NAMESPACE = {
  name: "namespace",
  short: "n",
  type: "text",
  value: "NAMESPACE",
  default: "default",
  summary: "The pod's namespace",
} as const satisfies OptionSpec;

const CONTAINER = {
  name: "container",
  short: "c",
  type: "text",
  value: "CONTAINER",
  summary: "The container; the pod's first one when left out",
} as const satisfies OptionSpec;

const RESOURCES = ["pods", "pod", "po"] as const;

/** Every command there is, in the order of the help. */
export const COMMANDS = [
  {
    name: "up",
    summary: "Start the pods of manifests, and show their logs",
    details:
      "Validates everything first: with one error nothing is started. In the foreground it follows the pods' logs " +
      "and restarts; Ctrl-C stops and removes them, a second Ctrl-C kills them; it ends with the worst exit status " +
      "when all pods have ended for good.\n\n" +
      "With --detach it returns when all pods run or have completed, and leaves them running. Doing it again with the " +
      "same files changes nothing.",
    arguments: [FILES],
    options: [
      { name: "detach", short: "d", type: "flag", summary: "Leave the pods running and return when all run" },
      {
        name: "timeout",
        type: "duration",
        default: 60_000,
        summary: "With --detach: how long the pods may take to run",
      },
    ],
    examples: [
      { command: "seedpod up pod.yaml", does: "Run a pod and watch it" },
      {
        command: "seedpod up -d manifests/ --timeout 2m",
        does: "Start all pods of a directory and leave them running",
      },
      { command: "cat pod.yaml | seedpod up -", does: "Read the manifest from standard input" },
    ],
  },
  {
    name: "down",
    summary: "Stop pods and remove them",
    details:
      "Stops gracefully, then removes every process, mount, cgroup, network namespace and file of the pods.",
    arguments: [{ ...FILES, required: false }],
    options: [
      { name: "all", type: "flag", summary: "All pods there are, instead of those of the files" },
      {
        name: "grace-period",
        type: "int",
        value: "SECONDS",
        summary: "Time to end by themselves, instead of each pod's terminationGracePeriodSeconds",
      },
      { name: "now", type: "flag", summary: "The same as --grace-period 1" },
    ],
    examples: [
      { command: "seedpod down pod.yaml", does: "Stop the pods of a file" },
      { command: "seedpod down --all --now", does: "Stop everything at once" },
    ],
  },
  {
    name: "get",
    summary: "List pods",
    details: "Works whether or not a seedpod process is running.",
    arguments: [
      { name: "RESOURCE", required: true, completes: RESOURCES, summary: "pods (or pod, po), or pods/NAME" },
      {
        name: "NAME",
        required: false,
        repeat: true,
        completes: "pod",
        summary: "Only the pods of these names",
      },
    ],
    options: [
      {
        name: "output",
        short: "o",
        type: "text",
        value: "FORMAT",
        choices: ["wide", "json", "yaml", "name"],
        summary: "The form of the answer",
      },
      { ...NAMESPACE, summary: "The namespace to look in" },
      { name: "all-namespaces", short: "A", type: "flag", summary: "Look in every namespace" },
      { name: "no-headers", type: "flag", summary: "Leave the head of the table out" },
    ],
    examples: [
      { command: "seedpod get pods", does: "List the pods" },
      { command: "seedpod get pod web -o yaml", does: "Show all that is known of one pod" },
    ],
  },
  {
    name: "logs",
    summary: "Print what the containers of a pod wrote",
    details: "Works whether or not a seedpod process is running.",
    arguments: [POD],
    options: [
      CONTAINER,
      { name: "all-containers", type: "flag", summary: "All containers of the pod, merged by time" },
      {
        name: "follow",
        short: "f",
        type: "flag",
        summary: "Go on printing what is written, until the container ends",
      },
      { name: "previous", short: "p", type: "flag", summary: "The run before the last restart" },
      {
        name: "tail",
        type: "int",
        value: "LINES",
        summary: "Only so many lines from the end (-1: all)",
      },
      { name: "since", type: "duration", summary: "Only lines that are not older, such as 30s or 1h30m" },
      { name: "timestamps", type: "flag", summary: "Put the time before each line" },
      { name: "prefix", type: "flag", summary: "Put the pod's and the container's name before each line" },
      NAMESPACE,
    ],
    examples: [
      { command: "seedpod logs web -f --tail 20", does: "The last 20 lines, and all that follows" },
      {
        command: "seedpod logs web -c proxy --previous",
        does: "What a container wrote before it was restarted",
      },
    ],
  },
  {
    name: "exec",
    summary: "Run a command in a container",
    details: "Ends with the command's exit status. Works whether or not a seedpod process is running.",
    arguments: [POD],
    rest: "CMD",
    options: [
      CONTAINER,
      { name: "stdin", short: "i", type: "flag", summary: "Pass standard input to the command" },
      { name: "tty", short: "t", type: "flag", summary: "Give the command a terminal" },
      NAMESPACE,
    ],
    examples: [
      { command: "seedpod exec -it web -- sh", does: "A shell in the pod's first container" },
      { command: "seedpod exec web -c proxy -- cat /etc/hosts", does: "One command in a certain container" },
    ],
  },
  {
    name: "describe",
    summary: "Show one pod in full, for people",
    details: "Works whether or not a seedpod process is running.",
    arguments: [
      { name: "RESOURCE", required: true, completes: RESOURCES, summary: "pod, or pod/NAME" },
      { name: "NAME", required: false, completes: "pod", summary: "The pod's name" },
    ],
    options: [NAMESPACE],
    examples: [{ command: "seedpod describe pod web", does: "Everything about a pod" }],
  },
  {
    name: "plan",
    summary: "Show what would be done, without doing it",
    details:
      "Compares the manifests with what runs. With --syscalls it prints every system call that a start makes, " +
      "with the line of the manifest that asks for it.",
    arguments: [FILES],
    options: [{ name: "syscalls", type: "flag", summary: "Print every system call" }],
    examples: [{ command: "seedpod plan pod.yaml --syscalls", does: "What a pod costs the kernel" }],
  },
  {
    name: "serve",
    summary: "Keep the pods of this root running until stopped",
    details: '"seedpod up --detach" leaves one behind by itself. When it ends the pods stay.',
    arguments: [],
    options: [],
    examples: [{ command: "seedpod serve", does: "Take over the pods that run, and keep them running" }],
  },
  {
    name: "completion",
    summary: "Print the completion script of a shell",
    arguments: [
      { name: "SHELL", required: true, completes: ["bash", "zsh", "fish"], summary: "bash, zsh or fish" },
    ],
    options: [],
    examples: [
      { command: "source <(seedpod completion bash)", does: "Complete in this bash" },
      {
        command: "seedpod completion fish > ~/.config/fish/completions/seedpod.fish",
        does: "Complete in every fish",
      },
    ],
  },
  {
    name: "version",
    summary: "Print the version",
    arguments: [],
    options: [],
    examples: [{ command: "seedpod version", does: "Print the version" }],
  },
  {
    name: "help",
    summary: "Show the help of seedpod or of a command",
    arguments: [{ name: "COMMAND", required: false, completes: "command", summary: "The command" }],
    options: [],
    examples: [{ command: "seedpod help logs", does: "The help of one command" }],
  },
] as const satisfies readonly CommandSpec[];

type Command = (typeof COMMANDS)[number];

/** The name of a command. */
export type CommandName = Command["name"];

/** The arguments of a command by its name, read and typed. */
export type ParsedOf<N extends CommandName> = Parsed<Extract<Command, { name: N }>>;
