/** What an arm's network takes: operations, which are the same everywhere, and seconds, which are not. */

/** The size of an arm's network. */
export interface ArmCost {
  /** Weights that are free: entries that are tied to others count once. */
  readonly weights: number;
  /** Operations of a prediction, a multiply-add counted as two. */
  readonly predictionFlops: number;
  /** Of a training step: a batch forward, and backward twice as much. */
  readonly stepFlops: number;
}

/** How long they take on some machine. */
export interface ArmTiming {
  /** Of a training step. */
  readonly step: number;
  /** Of a prediction, in a batch of the training's size. */
  readonly prediction: number;
}

/** Seconds of the arms that were timed, by name; kept apart from results, which are the same on all machines. */
export interface Timings {
  readonly adapter: string;
  readonly seconds: Readonly<Record<string, ArmTiming>>;
}
