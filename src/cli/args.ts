import { Command, type CommanderError, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { VoxtwirlError } from "../errors.ts";

/**
 * A command whose usage errors are thrown as VoxtwirlError "bad-option".
 *
 * @param words its name, after those of the commands that it belongs to: "bench", "compare"
 */
export function command(...words: string[]): Command {
  const help = `See: ${["voxtwirl", "help", ...words].join(" ")}`;
  return new Command(words.at(-1) ?? "voxtwirl")
    .helpOption("-h, --help", "show this help")
    .configureOutput({ outputError: () => undefined })
    .exitOverride((error: CommanderError) => {
      if (error.exitCode === 0) throw error;
      const [what = "", suggestion = ""] = error.message.replace("error: ", "").split("\n");
      throw badOption(what, suggestion === "" ? help : `${suggestion.slice(1, -1)} ${help}`);
    })
    .allowExcessArguments()
    .hook("preAction", refuseExcess);
}

/** Commander only counts the arguments that are too many. */
function refuseExcess(_: unknown, action: CommandUnknownOpts): void {
  const { args, registeredArguments: known, commands } = action;
  if (args.length <= known.length || known.at(-1)?.variadic) return;
  const names = commands.map((one) => one.name()).join(" or ");
  const hint = names === "" ? "" : `\n(Did you mean ${names}?)`;
  action.error(`error: ${action.name()} does not take the argument ${JSON.stringify(args[known.length])}${hint}`);
}

/** An option with any text that does not look like the next option. */
export function text<const Flags extends string>(flags: Flags, help: string) {
  return new Option(flags, help).argParser((value: string): string => checkedText(flags, value));
}

/** An option with one of some words. */
export function choice<const Flags extends string, const T extends string>(
  flags: Flags,
  help: string,
  choices: readonly T[],
) {
  return new Option(flags, help).argParser((value: string): T => {
    const found = choices.find((one) => one === checkedText(flags, value));
    if (found !== undefined) return found;
    throw badOption(`${nameOf(flags)} ${value} is not known`, `Use one of: ${choices.join(", ")}.`);
  });
}

/** An option with a finite number within [min, max]; `exclusiveMin` leaves min itself out. */
export function number<const Flags extends string>(
  flags: Flags,
  help: string,
  { min = -Infinity, max = Infinity, exclusiveMin = false } = {},
) {
  return new Option(flags, help).argParser((value: string): number => {
    const number = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value) ? Number(value) : NaN;
    if (Number.isFinite(number) && number <= max && (exclusiveMin ? number > min : number >= min)) return number;
    throw notSuch(flags, value, `a number${within(min, max, exclusiveMin)}`);
  });
}

/** An option with a whole number within [min, max], by default any from 1. */
export function integer<const Flags extends string>(flags: Flags, help: string, { min = 1, max = Infinity } = {}) {
  return new Option(flags, help).argParser((value: string): number => {
    const number = /^[-+]?\d+$/.test(value) ? Number(value) : NaN;
    if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
    throw notSuch(flags, value, `a whole number${within(min, max, false)}`);
  });
}

/** An action from a function that gives the exit code. */
export function exits<T extends unknown[]>(
  run: (...args: T) => number | Promise<number>,
): (...args: T) => Promise<void> {
  return async (...args) => {
    process.exitCode = await run(...args);
  };
}

export function badOption(message: string, fix: string): VoxtwirlError {
  return new VoxtwirlError("bad-option", message, fix);
}

function checkedText(flags: string, value: string): string {
  const name = nameOf(flags);
  if (value === "") throw badOption(`${name} is empty`, "Give it a value, or leave it out.");
  if (/^-./.test(value)) throw badOption(`${flags} needs a value, not ${value}`, "Give it one, or leave it out.");
  return value;
}

function notSuch(flags: string, value: string, wanted: string): VoxtwirlError {
  if (value === "") checkedText(flags, value);
  return badOption(`${nameOf(flags)} ${value} is not ${wanted}`, `Give ${nameOf(flags)} such a number.`);
}

/** "--steps" of "--steps <N>". */
function nameOf(flags: string): string {
  return flags.split(" ")[0]!;
}

function within(min: number, max: number, exclusiveMin: boolean): string {
  if (min === -Infinity && max === Infinity) return "";
  if (max === Infinity) return exclusiveMin ? ` above ${min}` : ` of at least ${min}`;
  if (min === -Infinity) return ` of at most ${max}`;
  return ` ${exclusiveMin ? "above" : "from"} ${min} ${exclusiveMin ? "and at most" : "to"} ${max}`;
}
