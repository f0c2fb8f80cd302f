// What ESLint asks of the page's script: its own recommended rules, among them that every
// name is defined and used, and a few more.

import js from "@eslint/js";

// What the page uses of its browser; nothing else is defined outside of it.
const BROWSER = [
  ...["document", "window", "location", "history", "matchMedia", "getComputedStyle"],
  ...["setTimeout", "clearTimeout", "ResizeObserver", "devicePixelRatio", "atob"],
  ...["requestAnimationFrame", "cancelAnimationFrame", "performance", "ImageData"],
  ...["createPart", "createWhole", "createInside"], // the programs of a live page, scripts of their own
];

export default [
  js.configs.recommended,
  {
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: "script",
      globals: Object.fromEntries(BROWSER.map((name) => [name, "readonly"])),
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-implicit-coercion": ["error", { boolean: false }],
      "no-use-before-define": ["error", { functions: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      strict: ["error", "global"],
    },
  },
];
