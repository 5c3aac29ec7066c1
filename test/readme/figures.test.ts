import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

describe("the README's figures", () => {
  it('are exactly those in bench/results.json', async () => {
    await promisify(execFile)(process.execPath, ['--import', 'tsx', 'bench/check-readme.ts'])
  })
})
