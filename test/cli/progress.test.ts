import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { countLine, countProgress, pace, showProgress } from "../../src/cli/progress.ts";

/** A terminal of some width, or a log, that keeps what is written. */
function fakeStream(columns?: number) {
  const written: string[] = [];
  const stream = { isTTY: columns !== undefined, columns, write: (text: string) => written.push(text) };
  return { stream: stream as unknown as NodeJS.WriteStream, written };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

describe("the live line", () => {
  it("never fills the terminal, whose width may change", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 20, max: 120 }), fc.string())), (lines) => {
        const { stream, written } = fakeStream(80);
        const progress = showProgress(stream);
        for (const [columns, text] of lines) {
          stream.columns = columns;
          progress.show(text);
          expect(written.at(-1)!.replace("\r\x1b[K", "").length).toBeLessThan(columns);
        }
      }),
    );
    // A pseudo-terminal that was given no size.
    const { stream, written } = fakeStream(0);
    showProgress(stream).show("x".repeat(79));
    expect(written).toEqual([`\r\x1b[K${"x".repeat(79)}`]);
  });

  it("is taken away before a remark, once", () => {
    const { stream, written } = fakeStream(80);
    const progress = showProgress(stream);
    progress.clear();
    progress.show("working");
    progress.warn("stopping");
    progress.clear();
    expect(written).toEqual(["\r\x1b[Kworking", "\r\x1b[K", "voxtwirl: stopping\n"]);
  });

  it("becomes a line every ten seconds in a log", () => {
    const { stream, written } = fakeStream();
    const progress = countProgress("molecules", 50, stream);
    for (let done = 0; done < 50; done++) {
      progress.done(done);
      vi.advanceTimersByTime(1000);
    }
    expect(written).toEqual([11, 22, 33, 44].map((done) => `${done} of 50 molecules  ${50 - done} s left\n`));
  });

  it("counts no faster than can be read", () => {
    const { stream, written } = fakeStream(80);
    const progress = countProgress("samples", 10_000, stream);
    for (let done = 0; done < 10_000; done++) {
      progress.done(done);
      vi.advanceTimersByTime(1);
    }
    expect(written.length).toBe(100);
    expect(written[1]).toBe("\r\x1b[K100 of 10,000 samples  9.9 s left");
  });
});

describe("the line of a count", () => {
  it("leaves out what there is no place for, and cuts no number", () => {
    expect(countLine("molecules", 12, 64, 33, 40)).toBe("12 of 64 molecules  33 s left");
    expect(countLine("molecules", 1234, 10_000, 4500, 39)).toBe("1,234/10,000  1 h 15 min left");
    expect(countLine("molecules", 1234, 10_000, 4500, 19)).toBe("1,234/10,000");
    expect(countLine("molecules", 1234, 10_000, 4500, 5)).toBe("12 %");
    expect(countLine("molecules", 0, 64, null, 40)).toBe("0 of 64 molecules");
  });

  it("fits every width", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1 }),
        fc.option(fc.double()),
        fc.integer({ min: 19, max: 100 }),
        (n, m, left, width) => {
          const line = countLine("molecules", Math.min(n, m), m, left, width);
          expect(line.length).toBeLessThanOrEqual(width);
          expect(line).toMatch(/^(\d+ %|[\d,]+(\/[\d,]+| of [\d,]+ molecules)( {2}.* left)?)$/);
        },
      ),
    );
  });
});

it("the time left leaves out the first one, as soon as there is a second", () => {
  const left = pace(10);
  expect(left(0, 1000)).toBeNull();
  expect(left(1, 9000)).toBe(72);
  expect(left(2, 10_000)).toBe(8);
  expect(left(5, 13_000)).toBe(5);
  expect(left(10, 18_000)).toBe(0);
});
