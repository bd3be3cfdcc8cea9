/** Calls that share buffers, one after another in the order in which they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does some work once what came before has ended, well or not. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
