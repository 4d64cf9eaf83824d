import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { call, status, text } from "../support/model-server.js";
import { mockConfig, openScene, PROGRAM } from "../support/program.js";
import { openProto } from "./proto-client.js";

/** A port of this machine where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise<void>((done) => server.close(() => done()));
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

/** Each is refused before the model is asked: exit 2, nothing on stdout, a message that says what to do. */
const REFUSALS: readonly {
  readonly what: string;
  readonly words: readonly string[];
  readonly message: RegExp;
  readonly env?: Record<string, undefined>;
}[] = [
  {
    what: "no key",
    words: ["exec", "go"],
    env: { MOCK_API_KEY: undefined },
    message: /no API key for provider "mock": .*MOCK_API_KEY is not set\n.*export MOCK_API_KEY=.*\n.*belay demo/,
  },
  {
    what: "a provider that is not known",
    words: ["exec", "-c", "model_provider=nobody", "go"],
    message: /model_provider: unknown provider "nobody"; known are .*mock/,
  },
  {
    what: "a folder that does not exist",
    words: ["exec", "-C", "no/such/folder", "go"],
    message: /no\/such\/folder: .*(not exist|no such)/i,
  },
  {
    what: "an image that is none",
    words: ["exec", "-i", "note.png", "go"],
    message: /-i note\.png: is not a PNG, JPEG, GIF or WebP image/,
  },
  {
    what: "an image that is not there",
    words: ["exec", "-i", "gone.png", "go"],
    message: /-i gone\.png: there is no such file/,
  },
  {
    what: "a schema that is not JSON",
    words: ["exec", "--output-schema", "broken.json", "go"],
    message: /--output-schema .*broken\.json: is not JSON/,
  },
  {
    what: "a file for the message in no folder",
    words: ["exec", "-o", "no/such/out.txt", "go"],
    message: /-o no\/such\/out\.txt: its folder cannot be written to/,
  },
  {
    what: "an option that is none",
    words: ["exec", "--frob", "go"],
    message: /unknown option '--frob'\n\(belay exec --help /,
  },
  {
    what: "an approval policy that is none, though exec asks nobody",
    words: ["exec", "-c", "approval_policy=maybe", "go"],
    message: /approval_policy: .*untrusted, on-failure, on-request, never; got "maybe"/,
  },
  { what: "a setting that is no setting", words: ["exec", "-c", "nonsense", "go"], message: /must be key=value/ },
  {
    what: "a mode that is none",
    words: ["exec", "-c", "sandbox_mode=maybe", "go"],
    message: /sandbox_mode: .*read-only, workspace-write, danger-full-access/,
  },
];

describe("what can't work is refused before it costs anything", { concurrency: 4 }, () => {
  for (const { what, words, message, env } of REFUSALS) {
    it(what, async (t) => {
      const { place, server, run } = await openScene(t);
      place.write("note.png", "not an image");
      place.write("broken.json", "{");
      const done = await run(words, env === undefined ? {} : { env });
      assert.deepEqual([done.code, done.stdout], [2, ""], done.stderr);
      assert.match(done.stderr, message);
      assert.doesNotMatch(done.stderr, /internal error|\n\s+at /);
      assert.equal(server.requests.length, 0);
    });
  }

  it("a folder that is in no git repository, unless told so", async (t) => {
    const { place, server, run } = await openScene(t);
    const cwd = join(place.tmp, "plain");
    mkdirSync(cwd);
    server.enqueue(text("ok"));
    const refused = await run(["exec", "go"], { cwd });
    assert.deepEqual([refused.code, refused.stdout], [2, ""]);
    assert.match(refused.stderr, /plain is in no git repository.*--skip-git-repo-check/);
    const done = await run(["exec", "--skip-git-repo-check", "go"], { cwd });
    assert.deepEqual([done.code, done.stdout], [0, "ok\n"], done.stderr);
    assert.equal(server.requests.length, 1);
  });

  it("a folder that was removed while the user stood in it", async (t) => {
    const { place, server } = await openScene(t);
    const gone = join(place.tmp, "gone");
    mkdirSync(gone);
    const script = 'rmdir ../gone && exec "$0" "$@"';
    const done = spawnSync("/bin/sh", ["-c", script, process.execPath, PROGRAM, "exec", "go"], {
      cwd: gone,
      env: place.env,
      encoding: "utf8",
      timeout: 30_000,
    });
    assert.deepEqual([done.status, done.stdout], [2, ""], done.stderr);
    assert.match(done.stderr, /folder/);
    assert.doesNotMatch(done.stderr, /internal error/);
    assert.equal(server.requests.length, 0);
  });

  it("no key, with belay proto: the turn fails, and says which", async (t) => {
    const scene = await openScene(t);
    const client = await openProto(t, { scene, env: { MOCK_API_KEY: undefined } });
    client.say("1", "go");
    const end = await client.end("1");
    assert.deepEqual([end.type, end.type === "task_complete" && end.failed], ["task_complete", true]);
    assert.match((await client.until("error")).message, /provider mock needs a key: .*MOCK_API_KEY is not set/);
    const done = await client.finish();
    assert.equal(done.code, 0);
    assert.match(done.stderr, /MOCK_API_KEY is not set/);
  });

  it("a config.toml that is broken, naming the file and the line", async (t) => {
    const { place, server, run } = await openScene(t);
    place.configure(`${mockConfig(server)}\nmodel = [\n`);
    const done = await run(["exec", "go"]);
    assert.deepEqual([done.code, done.stdout], [2, ""]);
    assert.match(done.stderr, /config\.toml.*\b1[5-7]\b/s);
  });
});

describe("what the provider can't do is told", { concurrency: 4 }, () => {
  for (const [code, more] of [
    [400, ""],
    [401, "check the API key of provider `mock`"],
    [403, "check the API key of provider `mock`"],
  ] as const) {
    it(`${code} fails at once, with the provider's own words`, async (t) => {
      const { server, run } = await openScene(t);
      server.enqueue(status(code, { error: { message: `the provider says ${code} because of reasons` } }));
      const done = await run(["exec", "--json", "go"]);
      assert.equal(done.code, 1);
      const lines = done.stdout.trimEnd().split("\n");
      const { type, error } = JSON.parse(lines.at(-1)!) as { type: string; error: { message: string } };
      assert.equal(type, "turn.failed");
      assert.ok(
        error.message.includes(`answered ${code}: the provider says ${code} because of reasons`),
        error.message,
      );
      assert.ok(error.message.includes(more), error.message);
      assert.equal(server.requests.length, 1);
    });
  }

  it("the key is not shown, even when the provider repeats it", async (t) => {
    const { server, run } = await openScene(t);
    server.enqueue(status(401, { error: { message: "bad key mock-key-0123456789" } }));
    const done = await run(["exec", "go"]);
    assert.deepEqual([done.code, done.stdout], [1, ""]);
    assert.match(done.stderr, /error: .*answered 401: bad key \[secret\]/);
    assert.doesNotMatch(done.stderr, /mock-key/);
  });

  it("an address where nobody is: as many retries as are set, each told, then the failure", async (t) => {
    const { place, run } = await openScene(t);
    place.configure(mockConfig({ url: `http://127.0.0.1:${await closedPort()}/v1` }));
    const done = await run(["exec", "go"]);
    assert.deepEqual([done.code, done.stdout], [1, ""]);
    assert.deepEqual(done.stderr.match(/retrying \d\/\d/g), ["retrying 1/2", "retrying 2/2"]);
    assert.match(done.stderr, /error: can't reach http:\/\/127\.0\.0\.1:\d+ \(connection refused\).*tried 3 times/);
  });

  it("a wait that is asked for is kept, and told", async (t) => {
    const { server, run } = await openScene(t);
    server.enqueue(status(429, { error: { message: "slow down" } }, { "retry-after": "1" }), text("now"));
    const done = await run(["exec", "go"]);
    assert.deepEqual([done.code, done.stdout], [0, "now\n"], done.stderr);
    assert.match(done.stderr, /answered 429: slow down; retrying 1\/2 in 1000ms/);
    assert.ok(server.requests[1]!.at - server.requests[0]!.at >= 990);
  });
});

describe("what is large or goes away", { concurrency: 4 }, () => {
  it("a prompt of 5 MB arrives whole, and does not fill the screen", async (t) => {
    const { server, run } = await openScene(t);
    server.enqueue(text("read"));
    const prompt = `${"0123456789abcde\n".repeat(5 * 65_536)}the end`;
    const done = await run(["exec", "-"], { stdin: prompt });
    assert.deepEqual([done.code, done.stdout], [0, "read\n"], done.stderr.slice(0, 2000));
    assert.ok(server.requests[0]!.userTexts().at(-1) === prompt);
    assert.ok(done.stderr.length < 5000);
  });

  it("a reader of stdout that leaves: the turn stops quietly, and nothing of it lives on", async (t) => {
    const { place, server, start } = await openScene(t);
    const gate = join(place.dir, "gate");
    execFileSync("mkfifo", [gate]);
    server.enqueue([call("shell", { command: ["sleep", "60"] }), call("shell", { command: ["cat", "gate"] })]);
    const program = start(["exec", "--json", "go"]);
    await program.seen('"cat gate"');
    program.leaveStdout();
    // The command that ends now is the next thing to print.
    writeFileSync(gate, "");
    const done = await program.ended;
    assert.deepEqual([done.code, done.signal], [141, null]);
    assert.equal(done.stderr, "");
    assert.deepEqual(place.processes(), []);
    assert.equal(server.requests.length, 1);
  });

  it("a reader of stdout that left before the only message came", async (t) => {
    const { server, start } = await openScene(t);
    server.enqueue(text("the answer"));
    const program = start(["exec", "go"]);
    program.leaveStdout();
    const done = await program.ended;
    assert.deepEqual([done.code, done.signal], [141, null]);
  });

  for (const more of [[], ["--json"]]) {
    it(`a disk that takes a part of stdout is no success, and is told${more.map((word) => ` (${word})`)}`, async (t) => {
      const { place, server } = await openScene(t);
      server.enqueue(text("0123456789abcdef".repeat(10_000)));
      // A limit on the size of files stands for a full disk: it takes what fits, then fails.
      const script = 'trap "" XFSZ; ulimit -f 64; exec "$0" "$@" > out.txt';
      const child = spawn("/bin/bash", ["-c", script, process.execPath, PROGRAM, "exec", ...more, "go"], {
        cwd: place.dir,
        env: place.env,
        stdio: ["ignore", "ignore", "pipe"],
      });
      let stderr = "";
      child.stderr.setEncoding("utf8").on("data", (part: string) => (stderr += part));
      const code = await new Promise((settle) => child.on("close", settle));
      assert.equal(code, 1, stderr);
      assert.match(stderr, /belay: cannot write to stdout: EFBIG/);
      assert.equal(statSync(join(place.dir, "out.txt")).size, 64 * 1024);
    });
  }
});
