/**
 * Where random examples begin: the same at every run, so that a commit that passed passes again; new ones in the soak, and
 * with BELAY_SEED=random. A failure names its seed, which BELAY_SEED=<number> repeats.
 */
export const SEED = seed(process.env.BELAY_SEED ?? (process.env.BELAY_SOAK === "1" ? "random" : "20230917"));

function seed(given: string): number {
  return given === "random" ? Date.now() % 1e9 : Number(given);
}

/** A generator of the test's own, so that a seed can be run again. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
