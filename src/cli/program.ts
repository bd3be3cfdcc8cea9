import type { Command } from "@commander-js/extra-typings";
import { command } from "./args.ts";
import { commands } from "./commands.ts";

declare const VOXTWIRL_VERSION: string;

const SUMMARY =
  "train 3D U-Net voxel denoisers with WebGPU, and see which share of their loss is rotation symmetry " +
  "that they have not learned";
const ENVIRONMENT = `
VOXTWIRL_ADAPTER stands for --adapter, VOXTWIRL_NO_TUNING=1 for --no-tuning;
VOXTWIRL_DEBUG=1 shows where an error came from.`;

/**
 * Parses the arguments and runs the command that they name.
 *
 * @throws VoxtwirlError "bad-option", CommanderError with exitCode 0 after help, and what the command throws
 */
export async function runProgram(args: readonly string[]): Promise<void> {
  // As an option of the command, help says it too where there is no such command.
  const words = args[0] === "help" || args.length === 0 ? [...args.slice(1), "--help"] : args;
  const [name = ""] = words;
  const isCommand = Object.hasOwn(commands, name);
  const program = await makeProgram(isCommand ? [name] : []);
  await program.parseAsync(isCommand || name.startsWith("-") ? words : [name], { from: "user" });
}

/**
 * The command line.
 *
 * @param names the commands whose files are loaded, so that they have options
 */
export async function makeProgram(names: readonly string[]): Promise<Command> {
  const program = command()
    .description(SUMMARY)
    .version(VOXTWIRL_VERSION, "-V, --version", "the version")
    .helpCommand("help [COMMAND]", "the options of a command")
    .addHelpText("after", ENVIRONMENT)
    .enablePositionalOptions();
  for (const [name, entry] of Object.entries(commands)) {
    const one = command(name).description(entry.summary).enablePositionalOptions();
    if (names.includes(name)) (await entry.load()).define(one);
    program.addCommand(one);
  }
  return program;
}
