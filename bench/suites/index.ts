import type { BenchCase } from "../case.ts";
import { conv3dCases } from "./conv3d.ts";

/** The suites in the order they run. Making the cases makes no data yet. */
export const suites: Readonly<Record<string, () => BenchCase[]>> = {
  conv3d: conv3dCases,
};
