import { execFileSync } from 'node:child_process'
import { ratios, spreadOf, type Spread } from './statistics.ts'

/** How long it takes to load the package with its dependencies. */
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

type ModuleSystem = keyof ImportFigures

const SCRIPTS: Readonly<Record<ModuleSystem, { readonly type: string; readonly load: (name: string) => string }>> = {
  require: { type: 'commonjs', load: (name) => `require('${name}')` },
  import: { type: 'module', load: (name) => `await import('${name}')` }
}

export function measureImports({ rounds }: { rounds: number }): ImportFigures {
  return { require: measure('require', rounds), import: measure('import', rounds) }
}

function measure(moduleSystem: ModuleSystem, rounds: number): LoadingFigures {
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    ours.push(loadTime(moduleSystem, 'passport-twilio'))
    theirs.push(loadTime(moduleSystem, 'passport-oauth2'))
  }
  return { passportTwilio: spreadOf(ours), passportOAuth2: spreadOf(theirs), against: ratios(ours, theirs) }
}

function loadTime(moduleSystem: ModuleSystem, name: string): number {
  const { type, load } = SCRIPTS[moduleSystem]
  const script = `const started=performance.now();${load(name)};console.log(performance.now()-started)`
  return Number(execFileSync(process.execPath, [`--input-type=${type}`, '-e', script], { cwd: import.meta.dirname }).toString())
}
