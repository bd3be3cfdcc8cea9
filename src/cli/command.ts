import type { Command } from "@commander-js/extra-typings";

/** What the file of a command exports. Adding a command: one such file in this folder and one line in commands.ts. */
export interface CommandModule {
  /** Gives the command its options, arguments, subcommands and action, which sets the exit code. */
  define(command: Command): unknown;
}

/** A command as listed in the help; its file is loaded only when it runs. */
export interface CommandEntry {
  readonly summary: string;
  load(): Promise<CommandModule>;
}
