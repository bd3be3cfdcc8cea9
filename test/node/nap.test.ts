import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { withNap } from "../../src/node/nap.ts";

/** Counts turns of the event loop until `promise` settles, polling as Dawn's binding does. */
async function turnsUntil(promise: Promise<unknown>): Promise<number> {
  let turns = 0;
  let done = false;
  const poll = () => {
    turns++;
    if (!done) setImmediate(poll);
  };
  setImmediate(poll);
  await promise;
  done = true;
  return turns;
}

describe("withNap", () => {
  it("gives the value, and passes rejections through", async () => {
    expect(await withNap(Promise.resolve(3))).toBe(3);
    await expect(withNap(Promise.reject(new Error("lost")))).rejects.toThrow("lost");
  });

  it("sleeps between polls", async () => {
    const busy = await turnsUntil(delay(300));
    const napping = await turnsUntil(withNap(delay(300)));
    // Naps of 5 % of the time waited: at most log(40 ms / 1 us) / log(1.05) turns until they last 2 ms, then 130.
    expect(napping).toBeLessThan(500);
    expect(busy).toBeGreaterThan(2 * napping);
  });

  it("hardly lengthens the wait", async () => {
    const start = performance.now();
    await withNap(delay(100));
    expect(performance.now() - start).toBeLessThan(300);
  });

  it("stops when nothing is pending, also after a rejection among several waits", async () => {
    await Promise.allSettled([withNap(delay(20)), withNap(Promise.reject(new Error("lost"))), withNap(delay(30))]);
    const turns = await turnsUntil(delay(200));
    expect(turns).toBeGreaterThan(500);
  });
});
