import { describe, expect, it } from "vitest";
import { JSON_FORMAT, versioned, withIntervals } from "../../src/cli/json.ts";

describe("withIntervals", () => {
  it("puts a 95 % interval after each standard error that belongs to a number", () => {
    const found = withIntervals({ loss: 2, lossStdErr: 0.5, gains: [{ percent: -1, percentStdErr: 0 }] });
    expect(found).toEqual({
      ...{ loss: 2, lossStdErr: 0.5 },
      lossInterval: [expect.closeTo(2 - 0.5 * 1.96, 4), expect.closeTo(2 + 0.5 * 1.96, 4)],
      gains: [{ percent: -1, percentStdErr: 0, percentInterval: [-1, -1] }],
    });
    expect(Object.keys(found as object)).toEqual(["loss", "lossStdErr", "lossInterval", "gains"]);
  });

  it("puts one after the standard error of a mean", () => {
    const found = withIntervals({ cosine: { mean: 0.5, stdErr: 0 }, alone: { stdErr: 1 } });
    expect(found).toEqual({ cosine: { mean: 0.5, stdErr: 0, interval: [0.5, 0.5] }, alone: { stdErr: 1 } });
  });

  it("has null in JSON where the error is not known, and leaves all else as it is", () => {
    const text = JSON.stringify(withIntervals({ loss: 2, lossStdErr: NaN }));
    expect(text).toBe('{"loss":2,"lossStdErr":null,"lossInterval":[null,null]}');
    const other = { meanStdErr: 1, name: "a", nameStdErr: 1, none: null, list: [1, "b"], date: new Date(0) };
    expect(withIntervals(other)).toEqual(other);
  });
});

describe("versioned", () => {
  it("says of which format an object is", () => {
    expect(versioned({ type: "measure", a: 1, aStdErr: 0 })).toEqual({
      ...{ formatVersion: JSON_FORMAT, type: "measure" },
      ...{ a: 1, aStdErr: 0, aInterval: [1, 1] },
    });
  });
});
