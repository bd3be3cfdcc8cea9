import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist", "docs/api", "runs", ".cache", "**/*.data.ts", "test/package/user"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers and shapes print as they are; that is what most messages here are made of.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowArray: true }],
      "@typescript-eslint/restrict-plus-operands": ["error", { allowNumberAndString: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // A record that cannot be used is left out, thousands of them in some files: no error, and no stack to collect.
      "@typescript-eslint/only-throw-error": ["error", { allow: [{ from: "file", name: "Unusable" }] }],
      // Functions that are taken out of their objects say that they need none.
      "@typescript-eslint/no-invalid-void-type": ["error", { allowAsThisParameter: true }],
      // Kernels and their twins index arrays at places that arithmetic makes sure of. Idle ones are still refused.
      "@typescript-eslint/no-non-null-assertion": "off",
      curly: ["error", "multi-line"],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      // expect.any() and its like are of type any.
      "@typescript-eslint/no-unsafe-assignment": "off",
      // Fakes of what is asynchronous have nothing to wait for.
      "@typescript-eslint/require-await": "off",
    },
  },
  { files: ["**/*.mjs"], extends: [tseslint.configs.strict], rules: { curly: ["error", "multi-line"] } },
);
