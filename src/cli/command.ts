import type { ArgsSpec } from "./args.ts";

/** What the file of a command exports. Adding a command: one such file in this folder and one line in commands.ts. */
export interface Command {
  /** Options and arguments, also shown by `voxtwirl help NAME`. */
  readonly spec: ArgsSpec;
  /** First words that make it another command, for the help text. */
  readonly subcommands?: Readonly<Record<string, { readonly summary: string; readonly spec: ArgsSpec }>>;
  /**
   * Does the work with the arguments after the command's name.
   *
   * @returns the exit code
   * @throws VoxtwirlError "bad-option" (exit code 2) or another one (exit code 1), printed by the caller
   */
  run(args: string[]): Promise<number>;
}

/** A command as listed in the help; its file is loaded only when it runs. */
export interface CommandEntry {
  readonly summary: string;
  load(): Promise<Command>;
}
