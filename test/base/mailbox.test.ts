import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Mailbox } from "../../src/base/index.js";
import fc from "../support/fast-check.js";

async function drain<T>(mailbox: Mailbox<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of mailbox) items.push(item);
  return items;
}

function filled(...items: number[]): Mailbox<number> {
  const mailbox = new Mailbox<number>();
  for (const item of items) mailbox.push(item);
  return mailbox;
}

describe("mailbox", () => {
  test("items come in the order pushed, whether the reader or the writer is first", async () => {
    const mailbox = filled(1, 2);
    const reading = drain(mailbox);
    await new Promise((resolve) => setImmediate(resolve));
    mailbox.push(3);
    await undefined;
    mailbox.push(4);
    mailbox.close();
    assert.deepEqual(await reading, [1, 2, 3, 4]);
  });

  test("close lets what is there be read, and keeps nothing more", async () => {
    const mailbox = filled(1);
    mailbox.close();
    assert.equal(mailbox.push(2), false);
    assert.equal(mailbox.size, 1);
    assert.deepEqual(await drain(mailbox), [1]);
    assert.deepEqual(await drain(mailbox), []);
  });

  test("close wakes a reader that waits", async () => {
    const mailbox = new Mailbox<number>();
    const reading = drain(mailbox);
    await new Promise((resolve) => setImmediate(resolve));
    mailbox.close();
    assert.deepEqual(await reading, []);
  });

  test("a reader that leaves in the middle leaves the rest, in order, for the next", async () => {
    const mailbox = filled(1, 2, 3);
    for await (const item of mailbox) if (item === 2) break;
    mailbox.push(4);
    mailbox.close();
    assert.deepEqual(await drain(mailbox), [3, 4]);
  });

  test("a reader that throws has taken the item it threw at", async () => {
    const mailbox = filled(1, 2);
    const failing = async () => {
      for await (const item of mailbox) throw new Error(`at ${item}`);
    };
    await assert.rejects(failing, /at 1/);
    mailbox.close();
    assert.deepEqual(await drain(mailbox), [2]);
  });

  test("size counts what is not yet read, also while a reader is in the middle", async () => {
    const mailbox = filled(1, 2, 3);
    const sizes: number[] = [];
    for await (const item of mailbox) {
      sizes.push(mailbox.size);
      if (item === 1) mailbox.push(4);
      if (item === 4) break;
    }
    assert.deepEqual(sizes, [2, 2, 1, 0]);
  });

  test("undefined is an item like another", async () => {
    const mailbox = new Mailbox<undefined>();
    mailbox.push(undefined);
    mailbox.close();
    assert.deepEqual(await drain(mailbox), [undefined]);
  });

  test("any mix of pushes, pauses and readers that leave gives every item once and in order", async () => {
    const action = fc.oneof(
      fc.record({ push: fc.nat(3000) }),
      fc.constant("pause" as const),
      fc.record({ read: fc.nat(2000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        const mailbox = new Mailbox<number>();
        const taken: number[] = [];
        let pushed = 0;
        for (const step of actions) {
          if (step === "pause") await new Promise((resolve) => setImmediate(resolve));
          else if ("push" in step) for (let n = 0; n < step.push; n += 1) mailbox.push(pushed++);
          else {
            let left = Math.min(step.read, mailbox.size);
            if (left === 0) continue;
            for await (const item of mailbox) {
              taken.push(item);
              left -= 1;
              if (left === 0) break;
            }
          }
          assert.equal(mailbox.size, pushed - taken.length);
        }
        mailbox.close();
        taken.push(...(await drain(mailbox)));
        assert.deepEqual(taken, [...Array(pushed).keys()]);
      }),
      { numRuns: 50 },
    );
  });
});
