const cell = new Int32Array(new SharedArrayBuffer(4));
let pending = 0;
let since = 0;
let scheduled = false;

/**
 * Waits for a promise of Dawn's while letting the processor work.
 *
 * Dawn's binding polls through setImmediate while anything is pending, which takes a whole core. Sleeping in between,
 * for 5 % of the time waited so far and at most 2 ms, leaves that core to a software adapter and costs little latency.
 *
 * @returns the promise's value; rejections pass through
 */
export async function withNap<T>(promise: Promise<T>): Promise<T> {
  pending++;
  since = performance.now();
  if (!scheduled) {
    scheduled = true;
    setImmediate(nap);
  }
  try {
    return await promise;
  } finally {
    pending--;
  }
}

function nap(): void {
  if (pending === 0) {
    scheduled = false;
    return;
  }
  Atomics.wait(cell, 0, 0, Math.min(2, 0.05 * (performance.now() - since)));
  setImmediate(nap);
}
