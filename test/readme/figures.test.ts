import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

describe("the README's figures", () => {
  it('are those that were measured: bench/results.json, to the letter', async () => {
    await promisify(execFile)(process.execPath, ['--import', 'tsx', 'bench/check-readme.ts'])
  })
})
