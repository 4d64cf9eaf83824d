import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { CommanderError } from "commander";
import { shellJoin } from "../../src/base/index.js";
import { excerptLines, formatDuration, parseDuration } from "../../src/front/exec/format.js";
import { type ExecArgs, execCommand } from "../../src/front/exec/index.js";
import fc from "../support/fast-check.js";

async function parse(...words: string[]): Promise<ExecArgs> {
  let parsed: ExecArgs | undefined;
  const command = execCommand(async (args) => {
    parsed = args;
  });
  command.exitOverride().configureOutput({ writeErr: () => {} });
  await command.parseAsync(words, { from: "user" });
  assert.ok(parsed !== undefined);
  return parsed;
}

const refused = (...words: string[]) => assert.rejects(parse(...words), CommanderError, words.join(" "));

describe("exec arguments", () => {
  it("have sensible values when nothing is given", async () => {
    assert.deepEqual(await parse(), {
      prompt: undefined,
      model: undefined,
      profile: undefined,
      cwd: undefined,
      sandbox: undefined,
      overrides: [],
      images: [],
      lastMessageFile: undefined,
      schemaFile: undefined,
      json: false,
      color: "auto",
      skipGitRepoCheck: false,
      requireSandbox: false,
      deadlineMs: undefined,
      oss: false,
      bypass: false,
      session: undefined,
    });
  });

  it("keep the prompt after an image, and the order of what repeats", async () => {
    const args = await parse("-i", "a.png", "prompt", "-i", "b.png,c.png", "-c", "a=1", "-c", "b.c=[1, 2]");
    assert.equal(args.prompt, "prompt");
    assert.deepEqual(args.images, ["a.png", "b.png,c.png"]);
    assert.deepEqual(args.overrides, ["a=1", "b.c=[1, 2]"]);
  });

  it("take a lone dash, and words that look like options after --", async () => {
    assert.equal((await parse("-")).prompt, "-");
    assert.equal((await parse("--json", "--", "--help")).prompt, "--help");
  });

  it("know the other names of Codex", async () => {
    assert.equal((await parse("--experimental-json")).json, true);
    assert.equal((await parse("--json")).json, true);
    assert.equal((await parse("--full-auto")).sandbox, "workspace-write");
    for (const name of ["--yolo", "--dangerously-bypass-approvals-and-sandbox"]) {
      const args = await parse(name);
      assert.deepEqual([args.bypass, args.sandbox], [true, "danger-full-access"]);
    }
    assert.equal((await parse("--deadline", "10m")).deadlineMs, 600_000);
  });

  it("refuse what contradicts itself or is not known", async () => {
    await refused("--full-auto", "-s", "read-only");
    await refused("--yolo", "--full-auto");
    await refused("-s", "loose");
    await refused("-c", "novalue");
    await refused("--deadline", "soon");
    await refused("--color", "blue");
    await refused("--no-such-option");
    await refused("two", "prompts");
  });
});

describe("formats", () => {
  it("read and write durations", () => {
    assert.deepEqual(["90s", "10m", "1.5h", "500h", "0s", "501h", "10", "ten", "-1m", "1d", ""].map(parseDuration), [
      90_000,
      600_000,
      5_400_000,
      1_800_000_000,
      ...Array<undefined>(7).fill(undefined),
    ]);
    assert.deepEqual([9, 999, 1250, 59_990, 59_999, 125_000].map(formatDuration), [
      "9ms",
      "999ms",
      "1.25s",
      "59.99s",
      "1m 00s",
      "2m 05s",
    ]);
  });

  it("join words so that a shell reads them back", () => {
    const word = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(fc.array(word, { minLength: 100, maxLength: 200 }), (words) => {
        const read = execFileSync("sh", ["-c", `printf '%s\\0' ${shellJoin(words)}`], { encoding: "utf8" });
        assert.deepEqual(read.split("\0").slice(0, -1), words);
      }),
      { numRuns: 3 },
    );
  });

  it("keep head and tail within a number of lines", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.integer({ min: 3, max: 30 }), (lines, limit) => {
        const kept = excerptLines(lines, limit);
        assert.ok(kept.length <= limit);
        assert.equal(kept[0], lines[0]);
        assert.equal(kept.at(-1), lines.at(-1));
      }),
    );
  });
});
