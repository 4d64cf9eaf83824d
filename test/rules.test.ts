import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, describe, test } from "node:test";
import {
  checkFloor,
  checkName,
  checkPackages,
  checkRooms,
  checkSizes,
  checkUses,
  type Fault,
  FLOORS,
  PACKAGES,
  roomOf,
} from "./rules/rules.js";
import { openSourceReader, type Source } from "./rules/source.js";

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Record<string, Record<string, string> | undefined>;
const installed = new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }));

const paths = readdirSync("src", { recursive: true, encoding: "utf8" })
  .map((name) => `src/${name.replaceAll("\\", "/")}`)
  .filter((path) => path.endsWith(".ts"))
  .sort();
const reader = openSourceReader();
after(() => reader.close());
const sources = reader.read(Object.fromEntries(paths.map((path) => [path, readFileSync(path, "utf8")])));

/** The faults of one file, given as text, by one rule. */
function faultsOf(rule: (source: Source) => Fault[], path: string, text: string): Fault[] {
  return reader.read({ [path]: text }).flatMap(rule);
}

describe("the house", () => {
  const rules: Readonly<Record<string, (source: Source) => Fault[]>> = {
    "every room has a floor": checkFloor,
    "imports go down, and through doors": checkRooms,
    "packages are those that were chosen": (source) => checkPackages(source, installed),
    "time, chance, environment and exit stay with their owners": checkUses,
    "files and functions stay small": checkSizes,
    "names say what is in a file": checkName,
  };
  for (const [name, rule] of Object.entries(rules)) {
    test(name, () => assert.deepEqual(sources.flatMap(rule), []));
  }

  test("the rules see the program", () => {
    const rooms = new Set(paths.map(roomOf));
    for (const room of ["base", "protocol", "engine", "front/exec"]) assert.ok(rooms.has(room), room);
    for (const part of ["imports", "functions", "uses"] as const)
      assert.ok(sources.some((source) => source[part].length > 3));
  });

  test("every package that was chosen is installed", () => {
    assert.deepEqual(
      Object.keys(PACKAGES).filter((name) => !installed.has(name)),
      [],
    );
  });
});

describe("the rules themselves", () => {
  test("rooms", () => {
    assert.equal(roomOf("src/main.ts"), "main");
    assert.equal(roomOf("src/command-line.ts"), "main");
    assert.equal(roomOf("src/model/demo/index.ts"), "model");
    assert.equal(roomOf("src/front/api/threads/turn.ts"), "front/api");
    assert.equal(roomOf("src/front/exec/index.ts"), "front/exec");
    for (const room of Object.keys(FLOORS)) if (room !== "main") assert.equal(roomOf(`src/${room}/index.ts`), room);
  });

  const imports: readonly (readonly [string, string, boolean])[] = [
    ["src/engine/turn.ts", "../base/index.js", true],
    ["src/engine/tools/shell.ts", "../../process/index.js", true],
    ["src/engine/tools/shell.ts", "../turn.js", true],
    ["src/model/demo/index.ts", "../types.js", true],
    ["src/model/open-model.ts", "./demo/index.js", true],
    ["src/main.ts", "./front/exec/index.js", true],
    ["src/command-line.ts", "./main.js", true],
    ["src/sandbox/wrap.ts", "../process/index.js", true],
    ["src/front/mcp-server/index.ts", "../api/index.js", true],
    ["src/front/api/threads/turn.ts", "../conversations/turn.js", true],
    ["src/front/exec/run.ts", "../host/index.js", true],
    // Upwards.
    ["src/base/scope.ts", "../protocol/index.js", false],
    ["src/protocol/op.ts", "../engine/index.js", false],
    ["src/engine/turn.ts", "../front/exec/index.js", false],
    ["src/front/host/deps.ts", "../exec/index.js", false],
    ["src/front/exec/run.ts", "../../main.js", false],
    // The same floor.
    ["src/model/wire.ts", "../config/index.js", false],
    ["src/process/run.ts", "../sandbox/index.js", false],
    ["src/protocol/op.ts", "../rpc/index.js", false],
    ["src/front/api/service.ts", "../mcp-server/index.js", false],
    ["src/front/exec/run.ts", "../tui/index.js", false],
    // Past the door.
    ["src/engine/turn.ts", "../base/scope.js", false],
    ["src/engine/turn.ts", "../model/demo/index.js", false],
    ["src/front/exec/run.ts", "../../engine/tools/index.js", false],
    ["src/main.ts", "./front/exec/run.js", false],
    // No such room, and out of the house.
    ["src/engine/turn.ts", "../cellar/index.js", false],
    ["src/engine/turn.ts", "../../test/support/talk.js", false],
  ];
  for (const [path, specifier, allowed] of imports) {
    test(`${path} ${allowed ? "may" : "may not"} import ${specifier}`, () => {
      for (const text of [
        `import { x } from "${specifier}";`,
        `import type { x } from "${specifier}";`,
        `import "${specifier}";`,
        `export { x } from "${specifier}";`,
        `export * from "${specifier}";`,
        `const x = async () => (await import("${specifier}")).x;`,
        `type X = import("${specifier}").X;`,
      ]) {
        assert.equal(faultsOf(checkRooms, path, text).length === 0, allowed, text);
      }
    });
  }

  test("a room without a floor", () => {
    assert.deepEqual(faultsOf(checkFloor, "src/cellar/index.ts", ""), [
      "src/cellar/index.ts: the room cellar has no floor",
    ]);
    assert.deepEqual(faultsOf(checkFloor, "src/front/web/index.ts", "").length, 1);
  });

  const packages: readonly (readonly [string, boolean])[] = [
    ["node:fs", true],
    ["node:fs/promises", true],
    ["valibot", true],
    ["@cfworker/json-schema", true],
    ["node:readline", false],
    ["node:readline/promises", false],
    ["fs", false],
    ["readline", false],
    ["zod", false],
    ["@cfworker/other", false],
    ["commander", false],
  ];
  for (const [specifier, allowed] of packages) {
    test(`${specifier} is ${allowed ? "" : "not "}allowed`, () => {
      // As if commander had been taken out of package.json.
      const rule = (source: Source) => checkPackages(source, new Set(["valibot", "@cfworker/json-schema"]));
      assert.equal(faultsOf(rule, "src/engine/a.ts", `import "${specifier}";`).length === 0, allowed);
    });
  }

  test("an import that is computed is no import that anybody chose", () => {
    const rule = (source: Source) => checkPackages(source, installed);
    assert.equal(faultsOf(rule, "src/engine/a.ts", "export const load = (name: string) => import(name);").length, 1);
  });

  const uses: readonly (readonly [string, string, boolean])[] = [
    ["src/main.ts", "process.exit(1)", true],
    ["src/engine/a.ts", "process.exit(1)", false],
    ["src/front/exec/a.ts", "globalThis.process.exit(1)", false],
    ["src/front/host/program.ts", "process.env.HOME", true],
    ["src/config/a.ts", "process.env.HOME", false],
    ["src/process/a.ts", "performance.now()", true],
    ["src/engine/a.ts", "performance.now()", false],
    ["src/engine/a.ts", "Date.now()", false],
    ["src/engine/a.ts", "new Date()", false],
    ["src/engine/a.ts", "new Date(5)", true],
    ["src/process/a.ts", "Math.random()", false],
    ["src/engine/a.ts", "process.kill(1)", false],
    ["src/engine/a.ts", '"process.exit(1)"', true],
    ["src/engine/a.ts", "1 // process.exit(1)", true],
  ];
  for (const [path, code, allowed] of uses) {
    test(`${code} is ${allowed ? "" : "not "}allowed in ${path}`, () => {
      assert.equal(faultsOf(checkUses, path, `export const x = ${code};\n`).length === 0, allowed);
    });
  }

  test("a file of 401 lines, and one of 400", () => {
    const lines = (n: number) => "export const x = 1;\n".repeat(n);
    assert.equal(faultsOf(checkSizes, "src/base/a.ts", lines(401)).length, 1);
    assert.equal(faultsOf(checkSizes, "src/base/a.ts", lines(400)).length, 0);
  });

  test("a function of 61 lines, of whatever kind, and one of 60", () => {
    const shapes = [
      (body: string) => `function f() {${body}}`,
      (body: string) => `/** Not counted.\n */\nexport async function* f() {${body}}`,
      (body: string) => `const f = (a = { b: "}" }) => {${body}};`,
      (body: string) => `const f = { f: function () {${body}} };`,
      (body: string) => `class C { #f() {${body}} }`,
      (body: string) => `class C { constructor() {${body}} }`,
      (body: string) => `class C { get f() {${body}} }`,
    ];
    for (const shape of shapes) {
      assert.equal(faultsOf(checkSizes, "src/base/a.ts", shape("\n".repeat(60))).length, 1, shape(""));
      assert.equal(faultsOf(checkSizes, "src/base/a.ts", shape("\n".repeat(59))).length, 0, shape(""));
    }
  });

  test("names", () => {
    for (const bad of ["src/base/utils.ts", "src/base/text-helpers.ts", "src/common/a.ts", "src/engine/TurnState.ts"]) {
      assert.equal(faultsOf(checkName, bad, "").length, 1, bad);
    }
    for (const good of ["src/base/bounded-text.ts", "src/process/commons.ts"])
      assert.deepEqual(faultsOf(checkName, good, ""), []);
  });

  test("a file that does not parse is no file without faults", () => {
    assert.throws(() => reader.read({ "src/base/a.ts": "export const = {" }), /src\/base\/a\.ts: /);
  });
});
