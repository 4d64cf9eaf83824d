// What the scripted model says and asks for, shared by the server and by those who check the outcome.
export const STEPS = 200;
export const DELTAS = 100_000;
export const DELTA_TEXT = "fifty characters of text in each delta, no matter. ".slice(0, 50);
/** Between two deltas of an answer that never ends. */
export const ENDLESS_MS = 50;
export const FLOOD_BYTES = 50 * 1024 * 1024;
export const FLOOD_COMMAND = "echo HEAD-OF-FLOOD; yes | head -c 50M; echo TAIL-OF-FLOOD";

/** Where a tree tells its process ids, in the folder it runs in; the last word is `ready`. */
export const TREE_FILE = "tree-pids";
const TREE = `sleep 600 & (sleep 600 & echo $! > ${TREE_FILE}); echo $! $$ ready >> ${TREE_FILE}; wait`;

/** A shell with a child and a grandchild; the deaf ones ignore TERM. */
export const TREES = { obeying: TREE, deaf: `trap '' TERM; ${TREE}` };

/** Commands of a turn that changes files, one a step; the first only reads, and gives the look ahead a moment. */
export const WRITES = ["echo look", "echo x >> d1/f1.txt", "echo x >> d2/f2.txt; rm d3/f3.txt", "echo x > d4/new.txt"];
