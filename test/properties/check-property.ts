import fc from 'fast-check'

/** Raise it to test more thoroughly: `PROPERTY_RUNS=1000 npx mocha 'test/properties/*.test.ts'`. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 60)
/** The seed that a failure printed, to reproduce it. */
const SEED = process.env.PROPERTY_SEED

/** @param factor multiplies the number of runs; higher for cheap properties */
export async function checkProperty<Values>(property: fc.IAsyncProperty<Values> | fc.IProperty<Values>, factor = 1): Promise<void> {
  await fc.assert(property as fc.IAsyncProperty<Values>, { numRuns: Math.ceil(RUNS * factor), ...(SEED === undefined ? {} : { seed: Number(SEED) }) })
}
