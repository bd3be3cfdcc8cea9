import { requireArray } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Chain } from "./chain.ts";
import { chainGeometry } from "./geometry.ts";
import type { SecondaryStructure } from "./secondaryStructure.ts";

/** The geometry of several chains together: sums of what `chainGeometry` says of each, and means. */
export interface GeometrySummary {
  chains: number;
  residues: number;
  neighbours: number;
  trans: number;
  cis: number;
  breaks: number;
  clashes: number;
  /** Mean distance between neighbours, in Angstrom. */
  meanNeighbour: number;
  /** Mean over the chains of the radius of gyration over that of a folded protein of so many residues. */
  radiusRatio: number;
  /** Standard deviation of it over the chains; NaN for one. */
  radiusRatioDeviation: number;
  /** Residues of each letter of `secondaryStructure`. */
  counts: Record<SecondaryStructure, number>;
}

/**
 * The geometry of several chains of C-alphas, in Angstrom.
 *
 * Throws "bad-option" for no chains.
 */
export function geometrySummary(chains: readonly Pick<Chain, "positions">[]): GeometrySummary {
  requireArray("chains", chains, "Give chains: those of sampleBackbones, parsePdb or builtinBackbones.");
  if (chains.length === 0) throw new VoxtwirlError("bad-option", "no chains are given", "Give at least one.");
  const each = chains.map(({ positions }) => chainGeometry(positions));
  const sum = (of: (geometry: (typeof each)[number]) => number) => each.reduce((total, one) => total + of(one), 0);
  const neighbours = sum((one) => one.neighbours);
  const ratio = ({ radiusOfGyration, expectedRadius }: (typeof each)[number]) => radiusOfGyration / expectedRadius;
  const radiusRatio = sum(ratio) / each.length;
  return {
    chains: each.length,
    residues: sum((one) => one.structure.length),
    neighbours,
    trans: sum((one) => one.trans),
    cis: sum((one) => one.cis),
    breaks: sum((one) => one.breaks),
    clashes: sum((one) => one.clashes),
    meanNeighbour: sum((one) => (one.neighbours > 0 ? one.neighbours * one.meanNeighbour : 0)) / neighbours,
    radiusRatio,
    radiusRatioDeviation: Math.sqrt(sum((one) => (ratio(one) - radiusRatio) ** 2) / (each.length - 1)),
    counts: {
      H: sum(({ counts }) => counts.H),
      M: sum(({ counts }) => counts.M),
      E: sum(({ counts }) => counts.E),
      "-": sum(({ counts }) => counts["-"]),
    },
  };
}
