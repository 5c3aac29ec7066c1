import { execFileSync } from 'node:child_process'
import { ratios, spreadOf, type Spread } from './statistics.ts'

/** What it takes to load the package. */
export interface ImportFigures {
  /** ms for `require`. */
  readonly passportTwilio: Spread
  readonly passportOAuth2: Spread
  readonly against: Spread
}

export function measureImports({ rounds }: { rounds: number }): ImportFigures {
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    ours.push(loading('passport-twilio'))
    theirs.push(loading('passport-oauth2'))
  }
  return { passportTwilio: spreadOf(ours), passportOAuth2: spreadOf(theirs), against: ratios(ours, theirs) }
}

/** ms, in a process of its own. Express, which every app has loaded by then, is loaded before. */
function loading(name: string): number {
  const script = `require('express');require('passport');const t=performance.now();require('${name}');console.log(performance.now()-t)`
  return Number(execFileSync(process.execPath, ['-e', script], { cwd: import.meta.dirname }).toString())
}
