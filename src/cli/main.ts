#!/usr/bin/env node
import { VoxtwirlError } from "../errors.ts";
import { type ArgsSpec, nearest, optionLines } from "./args.ts";
import { commands } from "./commands.ts";
import { withoutDebugger } from "./interrupt.ts";
import { watchStdout } from "./stdout.ts";

declare const VOXTWIRL_VERSION: string;

/**
 * Runs the command line.
 *
 * @returns the exit code: 0 done, 1 failed, 2 called wrongly; 128 and the signal's number where one ended a run early
 */
async function main(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined || first === "--help" || first === "-h") return print(generalHelp());
  if (first === "--version" || first === "-V") return print([VOXTWIRL_VERSION]);
  if (first === "help") return print(rest[0] === undefined ? generalHelp() : await commandHelp(rest[0]));
  const entry = find(first);
  if (rest.includes("--help") || rest.includes("-h")) return print(await commandHelp(first));
  const command = await entry.load();
  return command.run(rest);
}

function find(name: string) {
  if (Object.hasOwn(commands, name)) return commands[name]!;
  const near = nearest(name, Object.keys(commands));
  const what = name.startsWith("-") ? `There is no option ${name} before the command.` : `There is no command ${name}.`;
  const fix = `${near === undefined ? "" : `Did you mean ${near}? `}See: voxtwirl --help`;
  throw new VoxtwirlError("bad-option", what, fix);
}

function generalHelp(): string[] {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  return [
    "voxtwirl: train 3D U-Net voxel denoisers with WebGPU, and see which share of their loss is rotation symmetry",
    "that they have not learned.",
    "",
    "Usage: voxtwirl COMMAND [OPTIONS]",
    "",
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "  help COMMAND   the options of a command",
    "  --version      the version",
    "",
    "VOXTWIRL_ADAPTER stands for --adapter, VOXTWIRL_NO_TUNING=1 for --no-tuning; VOXTWIRL_DEBUG=1 shows where an",
    "error came from.",
  ];
}

async function commandHelp(name: string): Promise<string[]> {
  const entry = find(name);
  const { spec, subcommands = {} } = await entry.load();
  const usage = (words: string, summary: string, { positionals = [], options }: ArgsSpec): string[] => {
    const wanted = positionals.map((word) => ` ${word}`).join("");
    return [`Usage: voxtwirl ${words}${wanted} [OPTIONS]`, "", `  ${summary}`, "", ...optionLines({ options })];
  };
  const more = Object.entries(subcommands).flatMap(([word, sub]) => [
    "",
    ...usage(`${name} ${word}`, sub.summary, sub.spec),
  ]);
  return [...usage(name, entry.summary, spec), ...more];
}

function print(lines: readonly string[]): number {
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}

/** Prints an error the way a user can act on it; a stack only for what is our mistake, or on request. */
function report(error: unknown): number {
  const debug = Boolean(process.env.VOXTWIRL_DEBUG);
  if (error instanceof VoxtwirlError) {
    process.stderr.write(`voxtwirl: ${error.message}\n  ${error.fix}\n`);
    if (debug) process.stderr.write(`${error.stack}\n`);
    return error.code === "bad-option" ? 2 : 1;
  }
  process.stderr.write(`voxtwirl: unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}

withoutDebugger();
watchStdout();

// Set rather than exit(): what was written to a pipe still has to reach it.
process.exitCode = await main(process.argv.slice(2)).catch(report);
