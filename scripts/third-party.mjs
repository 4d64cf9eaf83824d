// THIRD-PARTY.md: the packages whose code is inside dist/, and their licences. Without arguments it is written; with
// --check it is compared with what it should be.
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildProgram } from "./build.mjs";

const FILE = "THIRD-PARTY.md";

const INTRODUCTION = `# Third-party software

\`dist/\` holds code of the packages below, bundled or copied by the build; Belay has no other run-time dependency.
\`node scripts/third-party.mjs\` writes this file from what the build took in, and packing fails when it is out of date.
`;

/** For a package that names the MIT licence and ships no text of it. */
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** The text of THIRD-PARTY.md for a build, from its metafile. Throws for a package whose licence can't be told. */
export function thirdPartyText(metafile) {
  // By their real paths: esbuild names an input by its own, what was copied is named as the script has it.
  const found = Object.keys(metafile.inputs).flatMap(packageFolder);
  const folders = [...new Set(found.map((folder) => realpathSync(folder)))].sort();
  return [INTRODUCTION, ...folders.map(describe)].join("\n");
}

/** What is wrong with THIRD-PARTY.md as it stands; undefined when it is right. */
export function checkThirdParty(metafile) {
  if (!existsSync(FILE)) return `${FILE} is missing: node scripts/third-party.mjs writes it`;
  if (readFileSync(FILE, "utf8") === thirdPartyText(metafile)) return undefined;
  return `${FILE} is not what this build holds: node scripts/third-party.mjs writes it anew`;
}

/** The package that an input belongs to: the folder below the innermost node_modules. None for our own files. */
function packageFolder(input) {
  const found = /^(.*\/)?node_modules\/(@[^/]+\/[^/]+|[^/]+)\//.exec(input);
  return found === null ? [] : [found[0].slice(0, -1)];
}

function describe(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return `## ${name} ${version} (${license})\n\n${quoted(licenceText(folder, { name, license, author }))}\n`;
}

function licenceText(folder, { name, license, author }) {
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  if (file !== undefined) return readFileSync(join(folder, file), "utf8");
  const holder = typeof author === "string" ? author : author?.name;
  if (license !== "MIT" || holder === undefined)
    throw new Error(`${name}: the text of its licence (${license}) is not there`);
  return `Copyright (c) ${holder}\n\n${MIT}`;
}

/** As a Markdown quotation. */
function quoted(text) {
  const lines = text.replaceAll("\r\n", "\n").trim().split("\n");
  return lines.map((line) => `> ${line}`.trimEnd()).join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const metafile = await buildProgram();
  const problem = process.argv.includes("--check") ? checkThirdParty(metafile) : undefined;
  if (problem !== undefined) {
    console.error(problem);
    process.exit(1);
  }
  if (!process.argv.includes("--check")) writeFileSync(FILE, thirdPartyText(metafile));
}
