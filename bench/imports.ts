import { execFileSync } from 'node:child_process'
import { ratios, spreadOf, type Spread } from './statistics.ts'

/** What it takes to load the package, with everything it needs. */
export interface ImportFigures {
  readonly require: LoadingFigures
  readonly import: LoadingFigures
}

interface LoadingFigures {
  /** ms in a new process. */
  readonly passportTwilio: Spread
  readonly passportOAuth2: Spread
  readonly against: Spread
}

type How = keyof ImportFigures

const SCRIPTS: Readonly<Record<How, { readonly type: string; readonly load: (name: string) => string }>> = {
  require: { type: 'commonjs', load: (name) => `require('${name}')` },
  import: { type: 'module', load: (name) => `await import('${name}')` }
}

export function measureImports({ rounds }: { rounds: number }): ImportFigures {
  return { require: measure('require', rounds), import: measure('import', rounds) }
}

function measure(how: How, rounds: number): LoadingFigures {
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    ours.push(loading(how, 'passport-twilio'))
    theirs.push(loading(how, 'passport-oauth2'))
  }
  return { passportTwilio: spreadOf(ours), passportOAuth2: spreadOf(theirs), against: ratios(ours, theirs) }
}

function loading(how: How, name: string): number {
  const { type, load } = SCRIPTS[how]
  const script = `const began=performance.now();${load(name)};console.log(performance.now()-began)`
  return Number(execFileSync(process.execPath, [`--input-type=${type}`, '-e', script], { cwd: import.meta.dirname }).toString())
}
