// What the scripted model says and asks for, shared by the server and by those who check the outcome.
export const STEPS = 200;
export const DELTAS = 100_000;
export const DELTA_TEXT = "fifty characters of text in each delta, no matter. ".slice(0, 50);
export const FLOOD_BYTES = 50 * 1024 * 1024;
export const FLOOD_COMMAND = "echo HEAD-OF-FLOOD; yes | head -c 50M; echo TAIL-OF-FLOOD";

/** A shell with a child and a grandchild; it prints their ids once all are there. The deaf ones ignore TERM. */
export const TREES = {
  obeying: "sleep 600 & (sleep 600 & echo $!) ; echo $! $$ ready; wait",
  deaf: "trap '' TERM; sleep 600 & (sleep 600 & echo $!) ; echo $! $$ ready; wait",
};
