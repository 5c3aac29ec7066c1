// Makes dist/: for each entry of the package one file, which loads fast, with a slim source map and its types.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { build, transform } from 'esbuild'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import { slim } from './slim-map.mjs'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const compiled = join(dist, 'compiled')
const require = createRequire(import.meta.url)
const { dependencies, peerDependencies } = require(join(root, 'package.json'))
const packages = Object.keys({ ...dependencies, ...peerDependencies })
const target = 'node20.19'
const joseNotice = `/*! jose ${require(join(root, 'node_modules/jose/package.json')).version}, MIT, (c) 2018 Filip Skokan: see LICENSE */`

rmSync(dist, { recursive: true, force: true })
await Promise.all([
  bundle(['index', 'sdk', 'sandbox/cli'], { sourcemap: 'external' }),
  bundle(['sandbox/index'], { sourcemap: 'external', banner: joseNotice }),
  bundle(['bundled-jose'], { banner: joseNotice })
])
await bundleTypes(['index', 'sdk', 'sandbox/index'])

async function bundle(entries, options) {
  const { outputFiles } = await build({
    entryPoints: entries.map((entry) => join(root, `lib/${entry}.ts`)),
    outbase: join(root, 'lib'),
    outdir: dist,
    bundle: true,
    keepNames: true,
    platform: 'node',
    format: 'cjs',
    target,
    // jose is loaded when it is needed; the sandbox's command is its entry with words around it.
    external: [...packages, './bundled-jose', './index'],
    sourcemap: 'inline',
    sourcesContent: false,
    write: false
  })
  for (const { path, text } of outputFiles) {
    const { code, map } = await transform(withoutFunctionNames(text), { minify: true, format: 'cjs', target, sourcefile: basename(path), footer: exportNames(text), ...options })
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, map ? `${code}//# sourceMappingURL=${basename(path)}.map\n` : code)
    if (map) writeFileSync(`${path}.map`, slim(map, dirname(path)))
  }
}

/** What Node reads off a CommonJS file for who imports it; to esbuild's second pass it is dead code. */
function exportNames(code) {
  return /^0 && \(module\.exports = \{[^}]*\}\);$/m.exec(code)?.[0].replace(/\s+/g, '') ?? ''
}

/** Errors and classes go by their names, wherever they are printed; functions have the source map. */
function withoutFunctionNames(code) {
  return code.replace(/^ *__name\((?!this)\w+, "\w+"\);$/gm, '')
}

async function bundleTypes(entries) {
  execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json'), '--outDir', compiled], { stdio: 'inherit' })
  const types = await rollup({
    input: Object.fromEntries(entries.map((entry) => [entry, join(compiled, `${entry}.d.ts`)])),
    plugins: [dts(), { name: 'indent by two', renderChunk: (code) => code.replace(/^(?: {4})+/gm, (indent) => indent.slice(indent.length / 2)) }],
    external: (name) => !name.startsWith('.') && !name.startsWith('/')
  })
  await types.write({ dir: dist, entryFileNames: '[name].d.ts', chunkFileNames: 'shared.d.ts' })
  for (const file of ['index.cjs', 'index.mjs', 'index.d.cts', 'index.d.mts']) copyFileSync(join(compiled, file), join(dist, file))
  rmSync(compiled, { recursive: true })
}
