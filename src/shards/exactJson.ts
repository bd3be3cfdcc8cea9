/** JSON that gives back every number as it was, to the last bit; JSON itself has no NaN, infinity or minus zero. */

/** An object with this key alone stands for such a number. */
const KEY = "number";

export function exactJson(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => {
    if (typeof one !== "number" || (Number.isFinite(one) && !Object.is(one, -0))) return one;
    return { [KEY]: Object.is(one, -0) ? "-0" : String(one) };
  });
}

/** @throws SyntaxError for what is no JSON */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, (_, one: unknown) => {
    if (typeof one !== "object" || one === null) return one;
    const { [KEY]: number, ...others } = one as Record<string, unknown>;
    return typeof number === "string" && Object.keys(others).length === 0 ? Number(number) : one;
  });
}
