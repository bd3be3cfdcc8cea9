import { untilAborted } from "../analysis/abort.ts";
import { gradientBytes, termGradients } from "../analysis/gradients.ts";
import { landscape, landscapeCost, type Landscape, type LandscapeOptions } from "../analysis/landscape.ts";
import { TERMS } from "../analysis/lossTerms.ts";
import { measureLatents, type LatentMeasurer } from "../analysis/latents.ts";
import { parameterSpace, parameterSpaceCost } from "../analysis/parameterSpace.ts";
import type { Analysis, AnalysisResults } from "../analysis/results.ts";
import { termSlices, termSlicesCost } from "../analysis/termSlices.ts";
import { formatBytes } from "../gpu/gpu.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { countOf, formatDuration } from "../report/format.ts";
import type { ModelTerms } from "../training/task.ts";

export interface AnalysesOptions {
  readonly what: readonly Analysis[];
  readonly terms: ModelTerms;
  /** Makes what latents are measured with; undefined where they are not asked for. */
  readonly latents: LatentMeasurer | undefined;
  /** Places in the data of the samples. */
  readonly chosen: Uint32Array;
  /** What samples are, one of them: "molecule". */
  readonly one: string;
  /** Samples of the landscape, the first ones. */
  readonly landscapeSamples: number;
  readonly landscape: LandscapeOptions;
  /** Slices of the landscape too, along its eigenvectors. */
  readonly slices: boolean;
  readonly signal: AbortSignal;
}

/** Seconds that a sample takes. */
export interface Pace {
  readonly evaluation: number;
  readonly gradient: number;
}

/** Times what analyses take of a sample, after a first time that compiles; undefined where the signal is raised. */
export async function paceOf({
  what,
  terms,
  signal,
}: Pick<AnalysesOptions, "what" | "terms" | "signal">): Promise<Pace | undefined> {
  const timed = async (work: () => Promise<unknown>) => {
    await work();
    const start = performance.now();
    await work();
    return (performance.now() - start) / 1000;
  };
  const one = { to: 1, signal };
  const takesGradients = what.includes("gradients") || what.includes("landscape");
  let pace: Pace | undefined;
  await untilAborted(signal, async () => {
    pace = {
      evaluation: await timed(() => terms.sums(terms.weights, one)),
      gradient: takesGradients ? await timed(() => terms.gradient("equiv", terms.weights, one)) : 0,
    };
  });
  return pace;
}

/** A line for each analysis: what it takes, and about how long. */
export function costLines(options: AnalysesOptions, pace: Pace): string[] {
  const { what, terms, landscapeSamples: few } = options;
  const { samples } = terms;
  const about = (seconds: number) => `about ${formatDuration(seconds)}`;
  const of = (count: number) => countOf(count, options.one);
  const costs: Record<Analysis, () => string> = {
    gradients: () => {
      const time = about(samples * (2 * pace.gradient + pace.evaluation));
      return `2 gradients of ${of(samples)}, ${time}, ${formatBytes(gradientBytes(terms))} of vectors`;
    },
    landscape: () => {
      const { products, gradients, bytes } = landscapeCost(terms, options.landscape);
      const time = about(gradients * few * pace.gradient);
      return `${products} products, ${gradients} gradients of ${of(few)}, ${time}, ${formatBytes(bytes)} of vectors`;
    },
    parameters: () => {
      const { evaluations } = parameterSpaceCost(terms);
      return `${evaluations} evaluations of ${of(samples)}, ${about(evaluations * samples * pace.evaluation)}`;
    },
    // Two networks, and their maps to the host.
    latents: () => `${of(samples)}, ${about(4 * samples * pace.evaluation)}`,
  };
  const line = (name: string, cost: string) => `${name.padEnd(11)} ${cost}`;
  return what.flatMap((name) => [
    line(name, costs[name]()),
    ...(name === "landscape" && options.slices ? [line("slices", slicesCost(of(few), few, pace))] : []),
  ]);
}

function slicesCost(of: string, samples: number, { evaluation }: Pace): string {
  const evaluations = termSlicesCost();
  const time = formatDuration(evaluations * samples * evaluation);
  return `${evaluations} evaluations of ${of}, about ${time}`;
}

/**
 * Runs one analysis after another. What the signal interrupts is kept as far as it is known, and what comes after it is
 * left out.
 *
 * @param results gets what is found, also where an error ends it
 * @param onProgress is told what is being done, and how far it is
 */
export async function runAnalyses(
  options: AnalysesOptions,
  results: FoundAnalyses,
  onProgress: (name: Analysis | "slices", done: number, total: number) => void,
): Promise<void> {
  const { what, terms, latents, chosen, landscapeSamples, signal } = options;
  for (const name of what) {
    if (signal.aborted) break;
    const given = { signal, onProgress: (done: number, total: number) => onProgress(name, done, total) };
    await untilAborted(signal, async () => {
      if (name === "gradients") results.gradients = await termGradients(terms, given);
      if (name === "landscape") {
        const found = await landscape(terms, { ...options.landscape, to: landscapeSamples, ...given });
        if (TERMS.some((term) => (found[term]?.products ?? 0) > 0)) results.landscape = found;
        if (options.slices && !found.interrupted) await runSlices(options, results, found, onProgress);
      }
      if (name === "parameters") {
        const found = await parameterSpace(terms, given);
        if (found.line.length > 0) results.parameters = found;
      }
      if (name === "latents" && latents) results.latents = await measureLatents(latents, [...chosen], given);
    });
  }
}

async function runSlices(
  { terms, landscape: { seed = 0 }, landscapeSamples: to, signal }: AnalysesOptions,
  results: FoundAnalyses,
  curvature: Landscape,
  onProgress: (name: "slices", done: number, total: number) => void,
): Promise<void> {
  const told = (done: number, total: number) => onProgress("slices", done, total);
  const found = await termSlices(terms, curvature, { seed, to, signal, onProgress: told });
  if (found.lines.length > 0) results.slices = found;
}

/** What was found, while it grows. */
export type FoundAnalyses = { -readonly [Name in keyof AnalysisResults]: AnalysisResults[Name] };
