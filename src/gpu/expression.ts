/**
 * The value of an integer expression: + - * / % and parentheses over decimal integers and named variables; `/` divides
 * rounding towards zero. Undefined when the text is not such an expression or divides by zero.
 */
export function evaluateInteger(text: string, variables: Readonly<Record<string, number>>): number | undefined {
  const tokens = text.match(/\d+|[A-Za-z_]\w*|[-+*/%()]|\S/g) ?? [];
  let at = 0;
  const atom = (): number => {
    const token = tokens[at++] ?? "";
    if (/^\d/.test(token)) return Number(token);
    if (/^[A-Za-z_]/.test(token)) return Number.isInteger(variables[token]) ? variables[token]! : NaN;
    if (token === "-") return -atom();
    if (token !== "(") return NaN;
    const inner = sum();
    return tokens[at++] === ")" ? inner : NaN;
  };
  const product = (): number => {
    let left = atom();
    for (;;) {
      const operator = tokens[at];
      if (operator !== "*" && operator !== "/" && operator !== "%") return left;
      at++;
      const right = atom();
      if (operator === "*") left *= right;
      else if (right === 0) return NaN;
      else left = operator === "/" ? Math.trunc(left / right) : left % right;
    }
  };
  const sum = (): number => {
    let left = product();
    for (;;) {
      const operator = tokens[at];
      if (operator !== "+" && operator !== "-") return left;
      at++;
      left += operator === "+" ? product() : -product();
    }
  };
  const result = sum();
  return at === tokens.length && Number.isSafeInteger(result) ? result : undefined;
}
