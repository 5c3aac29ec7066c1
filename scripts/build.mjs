// Makes dist/: TypeScript's output, with jose in one CommonJS file.
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const require = createRequire(import.meta.url)
const josePackage = join(root, 'node_modules/jose/package.json')

rmSync(join(root, 'dist'), { recursive: true, force: true })
execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
await build({
  entryPoints: [join(root, 'lib/bundled-jose.ts')],
  outfile: join(root, 'dist/bundled-jose.js'),
  allowOverwrite: true,
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  banner: { js: `/*! jose ${require(josePackage).version}\n${readFileSync(join(root, 'node_modules/jose/LICENSE.md'), 'utf8').trim()}\n*/` }
})
rmSync(join(root, 'dist/bundled-jose.js.map'), { force: true })
