import fc from 'fast-check'

/** More for a longer look: `PROPERTY_RUNS=1000 npx mocha 'test/properties/*.test.ts'`. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 60)
/** What a failure printed, to see it again. */
const SEED = process.env.PROPERTY_SEED

/** @param share of the runs: more for what is cheap to try */
export async function holds<Values>(property: fc.IAsyncProperty<Values> | fc.IProperty<Values>, share = 1): Promise<void> {
  await fc.assert(property as fc.IAsyncProperty<Values>, { numRuns: Math.ceil(RUNS * share), ...(SEED === undefined ? {} : { seed: Number(SEED) }) })
}
