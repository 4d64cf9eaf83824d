import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findImages } from "../../src/front/exec/input.js";
import type { Step } from "./fake-engine.js";
import { makePlace, type Place, runProgram, startProgram } from "./run-program.js";

/** The answer is the prompt. */
const script: Step[] = [{ type: "echo" }];

describe("the prompt", { concurrency: 4 }, () => {
  let place: Place;
  before(() => {
    place = makePlace();
  });
  after(() => place.remove());
  const promptOf = async (words: readonly string[], input: string | Uint8Array) => {
    const run = await runProgram(["exec", ...words], { place, script, input });
    return run.code === 0 ? run.stdout.slice(0, -1) : run.stderr;
  };

  it("is the argument, or stdin, or both", async () => {
    assert.equal(await promptOf(["do it"], ""), "do it");
    assert.equal(await promptOf([], "from stdin\n"), "from stdin\n");
    assert.equal(await promptOf(["-"], "\ufeffdash"), "dash");
    assert.equal(await promptOf(["do it"], "data"), "do it\n\n<stdin>\ndata\n</stdin>");
    assert.equal(await promptOf(["do it"], "data\n"), "do it\n\n<stdin>\ndata\n</stdin>");
    assert.equal(await promptOf(["do it"], " \n"), "do it");
    assert.match(await promptOf(["-"], " \n"), /the prompt is empty/);
  });

  it("of 5 MB arrives whole", async () => {
    const text = "é".repeat(2_500_000);
    assert.equal(await promptOf([], text), text);
  });

  it("must be UTF-8", async () => {
    assert.match(await promptOf(["x"], Uint8Array.of(0x61, 0xff)), /not UTF-8/);
  });

  it("does not wait for a pipe that nobody writes to", async () => {
    const { child, ended } = startProgram(["exec", "do it"], { place, script });
    const run = await ended;
    child.stdin.end();
    assert.equal(run.stdout, "do it\n");
    assert.match(run.stderr, /nothing was piped in/);
  });

  it("waits for the end of what has begun to come", async () => {
    const { child, ended, seen } = startProgram(["exec", "do it"], { place, script });
    child.stdin.write("first ");
    await seen("reading what is piped in");
    child.stdin.end("second");
    assert.equal((await ended).stdout, "do it\n\n<stdin>\nfirst second\n</stdin>\n");
  });

  it("waits as long as it takes where stdin is the prompt", async () => {
    const { child, ended } = startProgram(["exec", "-"], { place, script });
    setTimeout(() => child.stdin.end("late"), 600);
    assert.equal((await ended).stdout, "late\n");
  });
});

describe("images", () => {
  let dir = "";
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "belay-images-"));
    for (const name of ["a.png", "b,c.png", "d.png"]) writeFileSync(join(dir, name), "\x89PNG\r\n\x1a\nrest", "latin1");
    writeFileSync(join(dir, "empty.png"), "");
    execFileSync("mkfifo", [join(dir, "pipe.png")]);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it("are found, in lists too; a comma may belong to a name", async () => {
    const found = await findImages(["a.png,d.png", "b,c.png", join(dir, "d.png")], dir);
    assert.deepEqual(found, { ok: true, paths: ["a.png", "d.png", "b,c.png", "d.png"].map((name) => join(dir, name)) });
  });

  it("are refused by name when they are none", async () => {
    const message = async (name: string) => {
      const found = await findImages([name], dir);
      return found.ok ? "" : found.message;
    };
    assert.equal(await message("a.png,gone.png"), "-i gone.png: there is no such file");
    assert.match(await message("empty.png"), /^-i empty\.png: is not a PNG/);
    assert.equal(await message("pipe.png"), "-i pipe.png: is not a file");
    assert.equal(await message("."), "-i .: is not a file");
  });
});
