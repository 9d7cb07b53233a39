// Builds the report page: one HTML file with its styles and code inside, that loads nothing.
//
//     npm run build                 writes dist/report.html, or the path in BARROW_WEB_OUT
//
// The page holds the marker <!--barrow:data--> once, before its code: there `barrow report` puts the
// data.  The Content-Security-Policy names the hashes of the style and of the code, so nothing else
// runs, and nothing is fetched.  Fails if the page has outgrown its budget.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const MARKER = "<!--barrow:data-->";
const BUDGET = { bytes: 150 * 1024, gzip: 60 * 1024 };

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.env.BARROW_WEB_OUT || join(here, "dist", "report.html"));

async function bundle(entry, options) {
  const result = await build({
    entryPoints: [join(here, "src", entry)],
    bundle: true,
    minify: true,
    write: false,
    charset: "utf8",
    legalComments: "none",
    target: ["chrome109", "firefox115", "safari16.4"],
    logLevel: "warning",
    ...options,
  });
  return result.outputFiles[0].text.trim();
}

const hashOf = (text) => `'sha256-${createHash("sha256").update(text, "utf8").digest("base64")}'`;
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
const size = (name, text) =>
  console.log(`${name.padEnd(6)} ${kib(Buffer.byteLength(text)).padStart(10)}  gzip ${kib(gzipSync(text, { level: 9 }).length).padStart(9)}`);

const script = await bundle("main.tsx", {
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
});
const style = await bundle("style.css", {});
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

// Functions as replacements: `$&` and the like in the code mean nothing.
const page = readFileSync(join(here, "index.html"), "utf8")
  .replace("%CSP%", () => policy)
  .replace("%STYLE%", () => style)
  .replace("%SCRIPT%", () => script);

const fail = (text) => {
  console.error(`web/build.mjs: ${text}`);
  process.exit(1);
};
if (page.split(MARKER).length !== 2) fail(`the page must hold ${MARKER} exactly once`);
if (/<\/script/i.test(script) || /<\/style/i.test(style)) fail("the code would end its own element");

mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, page);
size("script", script);
size("style", style);
size("page", page);
const bytes = Buffer.byteLength(page);
const packed = gzipSync(page, { level: 9 }).length;
if (bytes > BUDGET.bytes || packed > BUDGET.gzip)
  fail(`the page is over its budget of ${kib(BUDGET.bytes)}, ${kib(BUDGET.gzip)} packed`);
console.log(`wrote ${out}`);
