import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { echo, openTrip } from "../support/strict-journey.js";
import { openAi } from "../support/strict-makers.js";
import type { Answer, StrictProvider } from "../support/strict-server.js";

const task = (word: string): Answer[] => [
  { thought: word, uses: [echo(word)] },
  { thought: word, say: `${word}.` },
];

/** OpenAI with another account behind the same address from some moment on: what was sealed before can't be read. */
function forgetful(): { readonly provider: StrictProvider; forget(): void } {
  let inner = openAi();
  return {
    forget: () => {
      inner = openAi("68b14140d0c8819eba6941c05c5ab7");
    },
    provider: {
      judge: (asked) => inner.judge(asked),
      tell: (answer, asked) => inner.tell(answer, asked),
      owed: () => inner.owed(),
      own: () => inner.own(),
    },
  };
}

describe("a server that can't read the thoughts it sealed", () => {
  it("is asked again without them, once, and the session lives on", async (t) => {
    const { provider, forget } = forgetful();
    const route = { wire: "responses", model: "gpt-5.5", make: () => provider } as const;
    const trip = await openTrip(t, { openai: route });
    const server = trip.server("openai");
    const turn = async (words: readonly string[]) => {
      const done = await trip.run("openai", words);
      assert.deepEqual([done.code, server.left], [0, 0], `${done.stdout}\nrefused: ${server.denied.join("\n")}`);
    };
    server.enqueue(...task("one"));
    await turn(["first task"]);
    assert.deepEqual(server.denied, []);
    forget();
    server.enqueue(...task("two"));
    await turn(["resume", "--last", "second task"]);
    server.enqueue(...task("three"));
    await turn(["resume", "--last", "third task"]);
    assert.equal(server.denied.length, 1);
    assert.match(server.denied[0]!, /encrypted content .* could not be verified/);
    assert.deepEqual(provider.owed(), [], "what was sealed since comes back");
    assert.match(JSON.stringify(server.asked.at(-1)!.body), /out-one/);
  });
});
