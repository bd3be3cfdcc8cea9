import { formatCount, formatDuration } from "../report/format.ts";
import { fitParts, fitText } from "../report/liveLine.ts";

/** A log gets a line this often, beginning after as long. */
const LOG_INTERVAL_MS = 10_000;

/** A terminal gets a new count this often. */
const LIVE_INTERVAL_MS = 100;

/** What to show: a text, which is cut at its end where the terminal is narrow, or a line made for a width. */
export type Line = string | ((width: number) => string);

/**
 * A line on stderr that says what is being done: rewritten in place on a terminal, elsewhere at most one every ten
 * seconds.
 */
export function showProgress(stream: NodeJS.WriteStream = process.stderr) {
  let shown = false;
  let last = performance.now();
  const clear = () => {
    if (shown) stream.write("\r\x1b[K");
    shown = false;
  };
  /** Says something that stays. */
  const warn = (text: string) => {
    clear();
    stream.write(`voxtwirl: ${text}\n`);
  };
  return {
    /** Takes the line away. */
    clear,
    warn,
    show(line: Line): void {
      // One less than there are, so that the terminal never wraps. Some pseudo-terminals have none.
      const width = (stream.columns || 80) - 1;
      if (stream.isTTY) {
        stream.write(`\r\x1b[K${typeof line === "string" ? fitText(line, width) : line(width)}`);
        shown = true;
      } else if (performance.now() - last > LOG_INTERVAL_MS) {
        last = performance.now();
        stream.write(`${typeof line === "string" ? line : line(79)}\n`);
      }
    },
  };
}

/** Progress by count: "12 of 64 molecules  33 s left". */
export function countProgress(what: string, total: number, stream: NodeJS.WriteStream = process.stderr) {
  const progress = showProgress(stream);
  const timeLeft = pace(total);
  let last = -Infinity;
  return {
    /** So many are done. */
    done(count: number): void {
      const left = timeLeft(count, performance.now());
      if (performance.now() - last < LIVE_INTERVAL_MS) return;
      last = performance.now();
      progress.show((width) => countLine(what, count, total, left, width));
    },
    clear: progress.clear,
    warn: progress.warn,
  };
}

/** The line of `countProgress`; nothing on the time left while it is not known. */
export function countLine(
  what: string,
  count: number,
  total: number,
  secondsLeft: number | null,
  width: number,
): string {
  const [done, all] = [formatCount(count), formatCount(total)];
  const share = `${Math.floor((100 * count) / total)} %`;
  return fitParts(
    [
      { text: `${done} of ${all} ${what}`, short: `${done}/${all}`, least: share, need: 2 },
      { text: secondsLeft === null ? "" : `${formatDuration(secondsLeft)} left`, need: 1 },
    ],
    width,
  );
}

/**
 * Seconds left by the pace so far: of all but the first one, where there is another, as drivers compile in the first.
 *
 * @returns takes how many are done, beginning with 0, and when, in milliseconds
 */
export function pace(total: number): (count: number, now: number) => number | null {
  let since: { count: number; now: number } | undefined;
  return (count, now) => {
    const from = since;
    if (since === undefined || (since.count === 0 && count > 0)) since = { count, now };
    if (from === undefined || count <= from.count) return null;
    return ((now - from.now) / 1000 / (count - from.count)) * (total - count);
  };
}
