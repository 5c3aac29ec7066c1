import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HERE } from './package.ts'

/** Builds a commit of this package in a temporary worktree, with the dependencies of this checkout. */
export async function withBuildOf<Result>(ref: string, use: (folder: string) => Promise<Result>): Promise<Result> {
  const parent = mkdtempSync(join(tmpdir(), 'passport-twilio-against-'))
  const folder = join(parent, 'worktree')
  const git = (...parameters: string[]) => execFileSync('git', ['worktree', ...parameters], { cwd: HERE, stdio: 'inherit' })
  git('add', '--detach', folder, ref)
  try {
    symlinkSync(join(HERE, 'node_modules'), join(folder, 'node_modules'))
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: folder, stdio: 'inherit' })
    return await use(folder)
  } finally {
    git('remove', '--force', folder)
    rmSync(parent, { recursive: true })
  }
}
