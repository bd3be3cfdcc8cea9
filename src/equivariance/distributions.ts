/** How far the probabilities of a target may be from a sum of 1: they may come from half precision. */
const SUM_ERROR = 1e-2;

/** What is wrong with rows of probabilities; undefined where nothing is. */
export function notDistributions(what: string, rows: ArrayLike<number>, classes: number): string | undefined {
  for (let at = 0; at < rows.length; at += classes) {
    let sum = 0;
    for (let e = at; e < at + classes; e++) {
      if (!(rows[e]! >= 0)) return `a ${what} is ${rows[e]}, and probabilities are not below 0`;
      sum += rows[e]!;
    }
    if (Math.abs(sum - 1) > SUM_ERROR) return `a ${what}'s ${classes} probabilities sum up to ${sum}, not 1`;
  }
  return undefined;
}
