import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { openAiError } from "../support/strict-chat.js";
import { echo, openTrip, png, type Trip } from "../support/strict-journey.js";
import { vllm } from "../support/strict-makers.js";
import type { Denial, StrictProvider } from "../support/strict-server.js";
import { blind, devstral, hasImage } from "../support/strict-templates.js";

const WIRES = { chat: devstral, responses: vllm } as const;
type Wire = keyof typeof WIRES;

async function open(t: TestContext, wire: Wire, refusing: (inner: StrictProvider) => StrictProvider): Promise<Trip> {
  const make = () => refusing(WIRES[wire]());
  const trip = await openTrip(t, { strict: { wire, model: "strict-text", make } });
  trip.place.write("torn.png", png({ torn: true }));
  return trip;
}

const look = (path: string) => ({ thought: "I look.", uses: [{ name: "view_image", args: { path } }] });
const goOn = [{ thought: "I go on.", uses: [echo("on")] }, { say: "Done." }];

/** Runs to a good end, with all of its answers asked for. */
async function runWell(trip: Trip, words: readonly string[]): Promise<void> {
  const done = await trip.run("strict", words);
  const { denied, left } = trip.server("strict");
  assert.deepEqual([done.code, left], [0, 0], `${done.stdout}\n${done.stderr}\nrefused: ${denied.join("\n")}`);
}

function templateError(words: string): Denial {
  return { status: 500, words, body: { error: { code: 500, message: words, type: "server_error" } } };
}

function notFound(words: string): Denial {
  return { status: 404, words, body: { error: { message: words, code: 404 } } };
}

const blindness: readonly (readonly [who: string, wire: Wire, denial: Denial])[] = [
  [
    "OpenAI",
    "chat",
    openAiError("Invalid content type. image_url is only supported by certain models.", {
      code: "invalid_request_error",
    }),
  ],
  ["vLLM", "responses", openAiError("strict-text is not a multimodal model", { code: 400 })],
  ["OpenRouter", "chat", notFound("No endpoints found that support image input")],
  ["OpenRouter's Responses", "responses", notFound("No endpoints found that support image input")],
  [
    "llama.cpp",
    "chat",
    templateError("image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"),
  ],
  [
    "Groq",
    "chat",
    openAiError(
      "'messages.3' : for 'role:user' the following must be satisfied[('messages.3.content' : value must be a string)]",
    ),
  ],
  [
    "DeepSeek",
    "chat",
    openAiError(
      "Failed to deserialize the JSON body into the target type: messages[3]: unknown variant `image_url`, expected `text` at line 1 column 9210",
      { code: "invalid_request_error" },
    ),
  ],
];

/** Each refusal meets one of the two ways to an image, in long runs both. */
const SOAK = process.env.BELAY_SOAK !== undefined;

describe("a server that takes no image", { concurrency: 2 }, () => {
  for (const [who, wire, denial] of blindness.filter((_, n) => SOAK || n % 2 === 0)) {
    it(`${who}: one that was looked at is left out, now and later`, async (t) => {
      const trip = await open(t, wire, (inner) => blind(inner, denial));
      const { denied, asked, enqueue } = trip.server("strict");
      enqueue(look("dot.png"), ...goOn);
      await runWell(trip, ["look at it"]);
      enqueue(...goOn);
      await runWell(trip, ["resume", "--last", "go on"]);
      assert.deepEqual(denied, [denial.words]);
      assert.match(JSON.stringify(asked.at(-1)!.body), /look at it/);
    });
  }

  for (const [who, wire, denial] of blindness.filter((_, n) => SOAK || n % 2 === 1)) {
    it(`${who}: one that the user gave is left out, now and later`, async (t) => {
      const trip = await open(t, wire, (inner) => blind(inner, denial));
      const { denied, asked, enqueue } = trip.server("strict");
      enqueue(...goOn);
      await runWell(trip, ["-i", "dot.png", "--", "what is this"]);
      enqueue(...goOn);
      await runWell(trip, ["resume", "--last", "go on"]);
      assert.deepEqual(denied, [denial.words]);
      assert.match(JSON.stringify(asked.at(-1)!.body), /what is this/);
    });
  }
});

/** An image the end of whose data is missing, wherever it stands. */
const TORN = png({ torn: true }).toString("base64");
const WHOLE = png().toString("base64");

const unreadable: readonly (readonly [who: string, wire: Wire, words: string])[] = [
  [
    "OpenAI",
    "responses",
    "The image data you provided does not represent a valid image. Please check your input and try again with one of the following image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'].",
  ],
  ["Anthropic behind a gateway", "chat", "messages.4.content.1.image.source.base64.data: Could not process image"],
];

describe("a server that takes no broken image", { concurrency: 2 }, () => {
  for (const [who, wire, words] of unreadable) {
    it(`${who}: the broken one is left out, a whole one before it stays`, async (t) => {
      const denial = openAiError(words, { code: "invalid_image" });
      const trip = await open(t, wire, (inner) => ({
        ...inner,
        judge: (one) => (JSON.stringify(one.input).includes(TORN) ? denial : inner.judge(one)),
      }));
      const { denied, asked, enqueue } = trip.server("strict");
      enqueue(look("dot.png"), look("torn.png"), ...goOn);
      await runWell(trip, ["look at both"]);
      enqueue(...goOn);
      await runWell(trip, ["resume", "--last", "go on"]);
      // It may as well be found out before it is sent.
      assert.deepEqual(denied, denied.length === 0 ? [] : [words]);
      const last = asked.at(-1)!;
      assert.ok(hasImage(last) && JSON.stringify(last.body).includes(WHOLE));
    });
  }
});
