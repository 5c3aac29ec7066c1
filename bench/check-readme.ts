import { deepStrictEqual } from 'node:assert'
import { figuresOf, readResults, writtenFigures } from './readme.ts'

/** Fails if the figures in the README or docs/figures.md differ from results.json. */
deepStrictEqual(writtenFigures(), figuresOf(readResults()), 'The figures in README.md or docs/figures.md differ from bench/results.json. Run npm run bench instead of editing them.')
