import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { echo, firstTurn, LONG_TURN, openTrip, type Route, THIRD_TURN, type Trip } from "../support/strict-journey.js";
import { openAi, vllm } from "../support/strict-makers.js";
import type { Answer } from "../support/strict-server.js";
import { mistral } from "../support/strict-templates.js";
import { deepSeek, gemini, openRouter } from "../support/strict-thinkers.js";

const OPENAI: Route = { wire: "responses", model: "gpt-5.5", make: openAi };

const routes = {
  openai: OPENAI,
  mistral: {
    wire: "chat",
    model: "magistral-medium-latest",
    make: mistral,
    settings: 'compat = { call_ids = "short" }',
  },
  deepseek: { wire: "chat", model: "deepseek-v4-pro", make: deepSeek },
  gemini: { wire: "chat", model: "gemini-3-pro-preview", make: gemini },
  openrouter: { wire: "chat", model: "anthropic/claude-sonnet-4.5", make: openRouter },
  vllm: { wire: "responses", model: "openai/gpt-oss-120b", make: vllm },
} satisfies Readonly<Record<string, Route>>;

type Name = keyof typeof routes;

/** Each provider is in one of the first; the rest is for long runs. */
const PAIRS: readonly (readonly [from: Name, to: Name])[] = [
  ["openai", "deepseek"],
  ["openai", "vllm"],
  ["gemini", "deepseek"],
  ["openrouter", "mistral"],
  ["openai", "mistral"],
  ["openai", "gemini"],
  ["openai", "openrouter"],
  ["deepseek", "openrouter"],
];
const pairs = process.env.BELAY_SOAK === undefined ? PAIRS.slice(0, 4) : PAIRS;

/** A thought by which its maker is known. */
function thoughtOf(name: string): string {
  return `Only ${name} may know of this.`;
}

function by(name: string, answers: readonly Answer[]): Answer[] {
  return answers.map((answer) => ({ ...answer, thought: thoughtOf(name) }));
}

const RESUME = ["resume", "--last"];

async function turn(trip: Trip, name: string, how: { readonly words: readonly string[]; readonly code?: number }) {
  const { words, code = 0 } = how;
  const done = await (code === 130 ? trip.interrupted(name, words) : trip.run(name, words));
  const { denied, left } = trip.server(name);
  const told = `${name}\n${done.stdout}\n${done.stderr}\nrefused: ${denied.join("\n")}`;
  assert.deepEqual([done.code, left, denied], [code, 0, []], told);
}

/** Nothing that means something to one of them alone was sent to the other. */
function checkSecrets(trip: Trip, names: readonly string[]): void {
  for (const name of names) {
    const secrets = [...trip.server(name).provider.own(), thoughtOf(name)];
    for (const other of names.filter((one) => one !== name)) {
      const sent = trip.server(other).asked.map(({ body }) => JSON.stringify(body));
      const told = secrets.filter((secret) => sent.some((text) => text.includes(secret)));
      assert.deepEqual(told, [], `of ${name}, told ${other}`);
    }
  }
}

/** From one to another and back, and there and back once more. */
async function change(t: TestContext, [from, to]: readonly [Name, Name]): Promise<void> {
  const trip = await openTrip(t, { [from]: routes[from], [to]: routes[to] });
  const one = trip.server(from);
  const other = trip.server(to);
  one.enqueue(...by(from, firstTurn(false)));
  await turn(trip, from, { words: ["first task"] });
  other.enqueue(...by(to, THIRD_TURN));
  await turn(trip, to, { words: [...RESUME, "second task"] });
  other.enqueue(...by(to, [LONG_TURN]));
  await turn(trip, to, { words: [...RESUME, "third task"], code: 130 });
  one.enqueue(...by(from, [{ uses: [echo("four")] }, { say: "Fourth done." }]));
  await turn(trip, from, { words: [...RESUME, "fourth task"] });
  other.enqueue(...by(to, [{ uses: [echo("five")] }, { say: "Fifth done." }]));
  await turn(trip, to, { words: [...RESUME, "fifth task"] });
  one.enqueue(...by(from, [{ say: "Sixth done." }]));
  await turn(trip, from, { words: [...RESUME, "sixth task"] });
  checkSecrets(trip, [from, to]);
  assert.deepEqual([...one.provider.owed(), ...other.provider.owed()], [], "what did not come back");
  const last = JSON.stringify(one.asked.at(-1)!.body);
  for (const word of ["out-one", "First done.", "out-three", "Working.", "out-four", "out-five", "sixth task"]) {
    assert.ok(last.includes(word), `"${word}" is in the last request`);
  }
}

describe("a session that changes its provider", { concurrency: 2 }, () => {
  for (const [from, to] of pairs) it(`${from}, ${to}, and back`, (t) => change(t, [from, to]));

  it("OpenAI, with another model, and back", async (t) => {
    const trip = await openTrip(t, { openai: OPENAI });
    const { enqueue, provider } = trip.server("openai");
    const task = (word: string): Answer[] => [
      { thought: word, uses: [echo(word)] },
      { thought: word, say: `${word}.` },
    ];
    enqueue(...task("one"));
    await turn(trip, "openai", { words: ["first task"] });
    enqueue(...task("two"));
    await turn(trip, "openai", { words: ["-m", "gpt-6-sol", ...RESUME, "second task"] });
    enqueue(...task("three"));
    await turn(trip, "openai", { words: [...RESUME, "third task"] });
    enqueue(...task("four"));
    await turn(trip, "openai", { words: ["-m", "gpt-6-sol", ...RESUME, "fourth task"] });
    assert.deepEqual(provider.owed(), [], "what did not come back");
  });
});
