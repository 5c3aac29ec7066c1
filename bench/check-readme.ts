import { strictEqual } from 'node:assert'
import { figuresOf, readResults, writtenFigures } from './readme.ts'

/** Fails where the README's figures are not those of results.json. */
strictEqual(writtenFigures(), figuresOf(readResults()), "The README's figures are not those of bench/results.json. They are written by npm run bench, never by hand.")
