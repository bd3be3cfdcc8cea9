import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { requireSpace } from "../../src/node/diskSpace.ts";

describe("requireSpace", () => {
  const path = join(tmpdir(), "no such folder", "deeper");

  it("looks at the disk that a path will be on", async () => {
    await expect(requireSpace(path, 1)).resolves.toBeUndefined();
  });

  it("refuses what does not fit, with both numbers", async () => {
    await expect(requireSpace(path, 2 ** 80)).rejects.toMatchObject({
      code: "io",
      message: expect.stringMatching(/deeper will take [\d,.]+ \w+, and its disk has [\d,.]+ \w+ left$/),
    });
  });
});
