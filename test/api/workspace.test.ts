import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathMatcher } from "../../src/front/api/workspace/path-match.js";
import { type ApiClient, openApi, withoutWalls } from "../support/conversation-client.js";
import { WALLED } from "../support/walls.js";
import { faultOf } from "../support/wire-schema.js";

const FULL = { mode: "danger-full-access" };

describe("execOneOffCommand", () => {
  const run = (api: ApiClient, params: Record<string, unknown>) =>
    api.call("execOneOffCommand", { sandboxPolicy: FULL, ...params });

  test("output, exit code, folder; a death by signal; what outlives its time", async (t) => {
    const api = await openApi(t);
    const sh = (script: string) => ["sh", "-c", script];
    mkdirSync(join(api.place.dir, "sub"));
    const done = await run(api, { command: sh("echo out; echo err >&2; pwd; exit 3"), cwd: "sub" });
    assert.deepEqual(done, { exitCode: 3, stdout: `out\n${join(api.place.dir, "sub")}\n`, stderr: "err\n" });
    assert.equal(faultOf("execOneOffCommand.result", done), "");
    assert.equal((await run(api, { command: sh("kill -9 $$") })).exitCode, 137);
    const late = await run(api, { command: sh("echo up; sleep 300 & setsid sleep 300 & wait"), timeoutMs: 200 });
    assert.deepEqual([late.exitCode, late.stdout], [124, "up\n"]);
    assert.deepEqual(api.place.processes(), []);
  });

  test("an answer is bounded: head and tail", async (t) => {
    const api = await openApi(t);
    const { stdout } = await run(api, { command: ["sh", "-c", "echo first; yes | head -c 20000000; echo last"] });
    const text = String(stdout);
    assert.ok(text.startsWith("first\n") && text.endsWith("last\n"), text.slice(0, 20));
    assert.match(text, /\[\d+ bytes left out\]/);
    assert.ok(text.length < 1_100_000);
  });

  test("what can't be started says why", async (t) => {
    const api = await openApi(t);
    for (const [params, reason] of [
      [{ command: [] }, /the command is empty/],
      [{ command: ["no-such-program-here"] }, /not found/],
      [{ command: ["true"], cwd: "nowhere" }, /nowhere/],
      [{ command: ["a\0b"] }, /NUL/],
    ] as const) {
      const [answer] = await api.send({ method: "execOneOffCommand", params: { sandboxPolicy: FULL, ...params } });
      assert.equal(answer?.error?.code, -32600);
      assert.match(answer?.error?.message ?? "", /^the command was not run: /);
      assert.match(answer?.error?.message ?? "", reason);
    }
  });

  test("the policy of the request, else of the settings, is kept", WALLED, async (t) => {
    const api = await openApi(t, {});
    const file = join(api.place.dir, "made");
    const touch = { command: ["touch", file] };
    assert.notEqual((await run(api, { ...touch, sandboxPolicy: { mode: "read-only" } })).exitCode, 0);
    assert.ok(!existsSync(file));
    assert.equal((await run(api, { ...touch, sandboxPolicy: { mode: "workspace-write" } })).exitCode, 0);
    rmSync(file);
    // The settings of the place: full access.
    assert.equal((await run(api, { ...touch, sandboxPolicy: null })).exitCode, 0);
    rmSync(file);
    api.place.configure('model_provider = "openai"\n');
    assert.notEqual((await run(api, { ...touch, sandboxPolicy: null })).exitCode, 0);
  });

  test("where the machine can't keep to the policy nothing is run", async (t) => {
    const api = await openApi(t);
    withoutWalls(api);
    const params = { command: ["touch", "made"], sandboxPolicy: { mode: "read-only" } };
    const [answer] = await api.send({ method: "execOneOffCommand", params });
    assert.match(answer?.error?.message ?? "", /^the command was not run: sandbox mode read-only can't be kept/);
    assert.ok(!existsSync(join(api.place.dir, "made")));
  });

  test("ends with its request: a cancelled one gets no answer, and nothing of it lives on", async (t) => {
    const api = await openApi(t);
    const params = { command: ["sleep", "300"], sandboxPolicy: FULL, timeoutMs: 400_000 };
    api.write({ jsonrpc: "2.0", id: "mine", method: "execOneOffCommand", params });
    await api.place.populated(1);
    assert.ok(api.peer.cancel("mine"));
    await api.place.quiet();
    await api.call("getUserAgent");
    assert.ok(!api.transcript.some((entry) => entry.from === "server" && entry.message.id === "mine"));
  });

  test("ends with the client", async (t) => {
    const api = await openApi(t);
    const [answer] = await Promise.all([
      api.send({
        method: "execOneOffCommand",
        params: { command: ["sleep", "300"], sandboxPolicy: FULL, timeoutMs: 400_000 },
      }),
      api.place.populated(1).then(() => api.leave()),
    ]);
    assert.ok(answer[0]?.error !== undefined);
    assert.deepEqual(api.place.processes(), []);
  });
});

describe("fuzzyFileSearch", () => {
  interface Found {
    readonly path: string;
    readonly root: string;
    readonly score: number;
    readonly indices: readonly number[];
  }

  async function search(api: ApiClient, params: Record<string, unknown>): Promise<Found[]> {
    const result = await api.call("fuzzyFileSearch", params);
    assert.equal(faultOf("fuzzyFileSearch.result", result), "");
    return result.files as Found[];
  }

  test("in a repository: what git would track; ignored files, .git and files that are gone are left out", async (t) => {
    const api = await openApi(t);
    const { dir } = api.place;
    for (const name of [
      "src/main-view.ts",
      "src/deep/mainly.ts",
      "build/main-view.js",
      "gone-main.ts",
      ".hidden/main.ts",
    ]) {
      api.place.write(name, "x");
    }
    api.place.write(".gitignore", "build\n");
    execFileSync("git", ["add", "gone-main.ts"], { cwd: dir });
    rmSync(join(dir, "gone-main.ts"));
    symlinkSync("/etc", join(dir, "main-link"));
    const found = await search(api, { query: "main", roots: [dir] });
    assert.deepEqual(found.map(({ path }) => path).sort(), [
      ".hidden/main.ts",
      "main-link",
      "src/deep/mainly.ts",
      "src/main-view.ts",
    ]);
    const view = found.find(({ path }) => path === "src/main-view.ts");
    assert.deepEqual(view?.indices, [4, 5, 6, 7]);
    assert.deepEqual(
      found.map(({ score }) => score),
      found.map(({ score }) => score).sort((a, b) => b - a),
    );
    // A root below: paths start there.
    assert.deepEqual(
      (await search(api, { query: "mainly", roots: ["src"] })).map(({ root, path }) => [root, path]),
      [["src", "deep/mainly.ts"]],
    );
  });

  test("elsewhere all files; a folder that is not there, and none at all, hold nothing", async (t) => {
    const api = await openApi(t);
    const { tmp } = api.place;
    mkdirSync(join(tmp, "a", ".git-not"), { recursive: true });
    for (const name of ["needle.txt.bak", "needle.txt"]) writeFileSync(join(tmp, "a", name), "");
    symlinkSync("..", join(tmp, "a", "loop"));
    const found = await search(api, { query: "needle", roots: [tmp, join(tmp, "none")] });
    assert.deepEqual(
      found.map(({ path }) => path),
      ["a/needle.txt", "a/needle.txt.bak"],
    );
    assert.deepEqual(await search(api, { query: "needle", roots: [] }), []);
  });

  test("at most 50 of a root; a search takes the place of one with its token, which is answered all the same", async (t) => {
    const api = await openApi(t);
    for (let n = 0; n < 80; n += 1) writeFileSync(join(api.place.dir, `file-${n}`), "");
    const params = { query: "file", roots: [api.place.dir], cancellationToken: "t" };
    const answers = await api.send(
      ...[params, params, { ...params, cancellationToken: "u" }].map((one) => ({
        method: "fuzzyFileSearch",
        params: one,
      })),
    );
    assert.deepEqual(
      answers.map(({ result }) => (result?.files as Found[] | undefined)?.length),
      [0, 50, 50],
    );
  });
});

describe("how paths are matched", () => {
  const best = (query: string, paths: readonly string[]) => {
    const match = pathMatcher(query);
    return paths
      .flatMap((path) => ({ path, score: match(path)?.score ?? -1 }))
      .sort((a, b) => b.score - a.score)
      .map(({ path }) => path)[0];
  };

  test("the best comes first", () => {
    for (const [query, wanted, other] of [
      ["main", "src/main.ts", "src/domain/x.ts"],
      ["fsr", "src/front-search-run.ts", "src/offspring.ts"],
      ["fs", "lib/FileSearch.ts", "lib/offset.ts"],
      ["abc", "x/abc", "a/b/c"],
    ] as const) {
      assert.equal(best(query, [other, wanted]), wanted, query);
    }
  });

  test("all characters in order, capitals where the query has some, words in any order", () => {
    const score = (query: string, path: string) => pathMatcher(query)(path)?.score;
    assert.equal(score("ba", "a/b"), undefined);
    assert.ok(score("ab", "A/B") !== undefined);
    assert.equal(score("AB", "a/b"), undefined);
    assert.ok(score("b a", "a/b") !== undefined);
    assert.equal(score("", "a/b"), 0);
    assert.deepEqual(pathMatcher("ac")("abcac")?.indices, [3, 4]);
    // Lower case of this letter has two characters: indices are those of the path all the same.
    assert.deepEqual(pathMatcher("x")("İx")?.indices, [1]);
  });

  test("long paths and queries cost no more than they may", () => {
    const path = `${"a/".repeat(5_000)}end`;
    assert.ok(pathMatcher("aaaaend")(path) !== undefined);
    assert.equal(pathMatcher("aaaaend")(path)?.indices.at(-1), path.length - 1);
  });
});
