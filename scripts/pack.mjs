// Builds, packs and checks the tarball that users install; its path is the last line on stdout.
//   node scripts/pack.mjs [folder]    where to put it (default: here)
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { buildProgram } from "./build.mjs";
import { checkThirdParty } from "./third-party.mjs";

/** Pages that README.md leads to. */
const PAGES = readdirSync("docs", { recursive: true })
  .filter((name) => name.endsWith(".md"))
  .map((name) => posix.join("docs", name));

const CONTENT = [
  ...PAGES,
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "LICENSE",
  "README.md",
  "THIRD-PARTY.md",
  "dist/apply-patch.cjs",
  "dist/belay.cjs",
  "dist/program.cjs",
  "dist/schema/conversation-api.json",
  "dist/tree-sitter-bash.wasm",
  "dist/web-tree-sitter.cjs",
  "dist/web-tree-sitter.wasm",
  "package.json",
];

/** The fields by which a package makes others be installed. */
const DEPENDENCIES = [
  "dependencies",
  "optionalDependencies",
  "peerDependencies",
  "bundleDependencies",
  "bundledDependencies",
];

/** Scripts that an installation would run. */
const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall", "prepare"];

function fail(message) {
  console.error(`pack: ${message}`);
  process.exit(1);
}

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const needs = DEPENDENCIES.filter((field) => Object.keys(manifest[field] ?? {}).length > 0);
if (needs.length > 0) fail(`package.json has ${needs.join(", ")}: the bundle holds all that the program needs`);
const scripts = INSTALL_SCRIPTS.filter((name) => manifest.scripts?.[name] !== undefined);
if (scripts.length > 0) fail(`package.json has scripts that run at installation: ${scripts.join(", ")}`);

const problem = checkThirdParty(await buildProgram());
if (problem !== undefined) fail(problem);

const folder = process.argv[2] ?? ".";
const packed = spawnSync("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], {
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
});
if (packed.status !== 0) fail(`npm pack failed${packed.error === undefined ? "" : `: ${packed.error.message}`}`);
const tarball = join(folder, `${manifest.name}-${manifest.version}.tgz`);

const listed = spawnSync("tar", ["-tzf", tarball], { encoding: "utf8" });
if (listed.status !== 0) fail(`${tarball} can't be read: ${listed.stderr}`);
const content = listed.stdout
  .trim()
  .split("\n")
  .map((path) => path.replace(/^package\//, ""))
  .sort();
const extra = content.filter((path) => !CONTENT.includes(path));
const missing = CONTENT.filter((path) => !content.includes(path));
if (extra.length > 0) fail(`${tarball} holds what it should not: ${extra.join(", ")}`);
if (missing.length > 0) fail(`${tarball} lacks ${missing.join(", ")}`);

const dead = CONTENT.filter((path) => path.endsWith(".md")).flatMap((path) =>
  [...readFileSync(path, "utf8").matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
    .map(([, link]) => posix.join(posix.dirname(path), link))
    .filter((link) => !content.some((one) => one === link || one.startsWith(link)))
    .map((link) => `${path} -> ${link}`),
);
if (dead.length > 0) fail(`pages lead to what is not in ${tarball}: ${dead.join(", ")}`);
console.log(tarball);
