import { TERMS, type Term } from "../analysis/lossTerms.ts";
import type { DotSeries } from "./dotPlot.ts";

/** How the loss and its terms look in all charts. */
const LOOKS: Readonly<Record<Term, DotSeries>> = {
  total: { key: "loss-total", label: "L", marker: "circle" },
  mean: { key: "loss-mean", label: "L_mean", marker: "square" },
  equiv: { key: "loss-equiv", label: "L_equiv", marker: "diamond" },
};

/** Key, name and marker of a term. */
export const termSeries = (term: Term): DotSeries => LOOKS[term];
/** Those of all terms, in order. */
export const TERM_SERIES: readonly DotSeries[] = TERMS.map(termSeries);
