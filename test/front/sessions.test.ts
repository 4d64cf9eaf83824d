import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { redactor, redactValue } from "../../src/front/sessions/redact.js";
import { ago, shortIds, size, table } from "../../src/front/sessions/table.js";
import { call, text } from "../support/model-server.js";
import { openScene } from "../support/program.js";

describe("belay sessions", () => {
  test("lists, shows, searches, renames, exports, archives and deletes", async (t) => {
    const scene = await openScene(t);
    const { place, server, run } = scene;
    const secret = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789";
    server.enqueue(
      call("exec_command", { cmd: `echo ${secret} $MOCK_API_KEY` }),
      text("It says a needle."),
      text("Yes."),
      text("Third."),
    );
    await run(["exec", "look for\nthe \u001b[31mhay"]);
    const empty = await run(["sessions", "list", "--here", "-n", "1"], { cwd: place.tmp });
    assert.deepEqual([empty.code, empty.stdout], [0, ""]);

    const json = await run(["sessions", "list", "--json"]);
    const { sessions } = JSON.parse(json.stdout) as {
      sessions: { id: string; preview: string; cwd: string; path: string }[];
    };
    const { id, path } = sessions[0]!;
    assert.deepEqual(
      [sessions.length, sessions[0]?.preview, sessions[0]?.cwd],
      [1, "look for the \u001b[31mhay", place.dir],
    );
    const list = await run(["sessions", "list"]);
    assert.match(
      list.stdout,
      new RegExp(`^ID +USED +FOLDER +ABOUT\n${id.slice(0, 8)} +just now +work +look for the \\\\x1b\\[31mhay\n$`),
    );
    for (const line of list.stdout.split("\n")) assert.ok(line.length <= 80, line);

    const named = await run(["sessions", "rename", id.slice(0, 8), "the hay"]);
    assert.equal(named.code, 0, named.stderr);
    const resumed = await run(["exec", "resume", "the hay", "sure?"]);
    assert.deepEqual([resumed.code, resumed.stdout], [0, "Yes.\n"], resumed.stderr);
    const shown = await run(["sessions", "show", "the hay"]);
    assert.match(shown.stdout, /\n1\. look for the \\x1b\[31mhay\n {3}It says a needle\.\n\n2\. sure\?\n {3}Yes\.\n$/);
    const turns = JSON.parse((await run(["sessions", "show", id, "--json", "-n", "1"])).stdout) as {
      turn_count: number;
      turns: { n: number; status: string }[];
    };
    assert.deepEqual([turns.turn_count, turns.turns.map(({ n, status }) => [n, status])], [2, [[2, "completed"]]]);

    const found = await run(["sessions", "search", "NEEDLE"]);
    assert.match(found.stdout, new RegExp(`^${id} +just now\n +It says a needle\\.\n$`));
    assert.match((await run(["sessions", "search", "nothing of the kind"])).stderr, /no session has/);

    const forked = await run(["fork", "the hay", "--at", "1"]);
    const forkId = forked.stdout.trim();
    assert.match(forkId, /^[0-9a-f-]{36}$/, forked.stderr);
    const exported = await run(["sessions", "export", forkId, "--redact", "-o", "report.jsonl"]);
    assert.equal(exported.code, 0, exported.stderr);
    const report = place.read("report.jsonl");
    for (const word of [secret, "mock-key-0123456789", place.home]) assert.equal(report.includes(word), false, word);
    assert.match(report, /It says a needle/);
    assert.doesNotMatch(report, /sure\?/);
    const again = await run(["sessions", "export", forkId, "-o", "report.jsonl"]);
    assert.deepEqual([again.code, /EEXIST/.test(again.stderr)], [1, true]);
    // One file that needs no other: it can be gone on with where the rest is gone.
    const whole = await run(["sessions", "export", forkId]);
    place.write("whole.jsonl", whole.stdout);
    const refused = await run(["sessions", "delete", id, "--yes"]);
    assert.deepEqual(
      [refused.code, refused.stderr.includes(`is what ${forkId} was forked from`)],
      [1, true],
      refused.stderr,
    );
    assert.equal((await run(["sessions", "delete", forkId, "--yes"])).code, 0);
    const unsure = await run(["sessions", "delete", id]);
    assert.deepEqual([unsure.code, /say --yes/.test(unsure.stderr)], [2, true]);
    assert.equal((await run(["sessions", "archive", id])).code, 0);
    assert.equal((await run(["sessions", "list"])).stdout, "");
    assert.match((await run(["sessions", "list", "--archived"])).stdout, /the hay/);
    assert.equal((await run(["sessions", "unarchive", id])).code, 0);
    assert.equal((await run(["sessions", "delete", id, "--yes"])).code, 0);
    assert.throws(() => readFileSync(path));
    const third = await run(["exec", "resume", join(place.dir, "whole.jsonl"), "and now?"]);
    assert.deepEqual([third.code, third.stdout], [0, "Third.\n"], third.stderr);
    assert.deepEqual(server.requests.at(-1)?.userTexts().slice(-1), ["and now?"]);
    assert.deepEqual(server.requests.at(-1)?.assistantTexts(), ["It says a needle."]);

    const gc = JSON.parse((await run(["sessions", "gc", "--json", "--dry-run"])).stdout) as { deleted: unknown[] };
    assert.deepEqual(gc.deleted, []);
    for (const words of [
      ["sessions", "show", "ffff"],
      ["sessions", "list", "-n", "0"],
      ["exec", "resume"],
      ["exec", "resume", "ffff", "go"],
      ["fork", "--last", "--at", "x"],
    ]) {
      const { code, stderr } = await run(words);
      assert.deepEqual([code, stderr === ""], [2, false], words.join(" "));
    }
  });
});

describe("a redacted text", () => {
  const mask = redactor({
    HOME: "/home/jane",
    USER: "jane",
    PATH: "/usr/bin",
    MY_SETTING: "a value\nof two lines",
    SHORT: "abc",
    FLAG: "true",
  });

  test("has no keys, no values of the environment, no names of home folders", () => {
    const cases: readonly (readonly [string, string])[] = [
      ["token ghp_abcdefghijklmnopqrstuvwxyz0123", "token <secret>"],
      ["Authorization: Bearer abc.def-ghi_jkl", "Authorization: Bearer <secret>"],
      ["DB_PASSWORD=hunter2!x and more", "DB_PASSWORD=<secret> and more"],
      ['{\\"api_key\\": \\"abcdef12\\"}', '{\\"api_key\\": \\"<secret>\\"}'],
      ["postgres://joe:s3cret@db/x", "postgres://joe:<secret>@db/x"],
      ["it is a value\nof two lines here", "it is <env MY_SETTING> here"],
      ["it is a value\\nof two lines here", "it is <env MY_SETTING> here"],
      ["/home/jane/project and /home/joe/x and /Users/ann/y", "~/project and /home/user/x and /Users/user/y"],
      ["jane wrote janet", "user wrote janet"],
      ["abc true /usr/bin", "abc true /usr/bin"],
      ["-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "<secret>"],
    ];
    for (const [given, expected] of cases) assert.equal(mask(given), expected);
  });

  test("in a value of JSON: every text, names of fields too; pictures and sealed texts go", () => {
    const value = {
      "/home/jane": [{ text: "/home/jane/x", n: 1 }],
      image_url: "data:image/png;base64,AAAA",
      encrypted_content: "zzz",
    };
    assert.deepEqual(redactValue(value, mask), {
      "~": [{ text: "~/x", n: 1 }],
      image_url: "<image_url>",
      encrypted_content: "<encrypted_content>",
    });
  });
});

describe("tables of sessions", () => {
  test("keep to 80 columns whatever stands in them", () => {
    const text = table(
      [
        { title: "A", most: 10 },
        { title: "B", most: 200 },
      ],
      [["x".repeat(50), "wide 字".repeat(60)]],
    );
    for (const line of text.split("\n")) assert.ok([...line].length <= 80, line);
  });

  test("tell times, sizes and short ids", () => {
    assert.deepEqual(
      [0, 59, 61, 3600 * 5, 86400 * 3].map((seconds) => ago(1e12 - seconds * 1000, 1e12)),
      ["just now", "just now", "1 min ago", "5 h ago", "3 days ago"],
    );
    assert.equal(ago(1e12 + 1e9, 1e12), "2001-09-20");
    assert.deepEqual([12, 1234, 56_789_000].map(size), ["12 B", "1.2 kB", "57 MB"]);
    assert.deepEqual(
      [...shortIds(["aaaaaaaaaaaa1", "aaaaaaaaaaab2", "b0000000000"]).values()],
      ["aaaaaaaaaaaa", "aaaaaaaaaaab", "b0000000"],
    );
  });
});
