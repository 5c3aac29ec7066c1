// Makes dist/: for each entry of the package one file, which loads fast, with a slim source map and its types.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { build } from 'esbuild'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import { minify } from 'terser'
import { slim } from './slim-map.mjs'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const compiled = join(dist, 'compiled')
const require = createRequire(import.meta.url)
const { dependencies, peerDependencies } = require(join(root, 'package.json'))
const packages = Object.keys({ ...dependencies, ...peerDependencies })
const joseNotice = `/*! jose ${require(join(root, 'node_modules/jose/package.json')).version}, MIT, (c) 2018 Filip Skokan: see LICENSE */`

rmSync(dist, { recursive: true, force: true })
await Promise.all([
  bundle(['index', 'sdk', 'sandbox/cli'], { sourcemap: 'linked' }),
  bundle(['sandbox/index'], { sourcemap: 'linked', banner: { js: joseNotice } }),
  bundle(['bundled-jose'], { banner: { js: joseNotice } })
])
await bundleTypes(['index', 'sdk', 'sandbox/index'])
giveConstructor(join(dist, 'index.js'))
writeFileSync(join(dist, 'unread.js'), "const surface=require('./index.js')\nmodule.exports=surface\n")
writeFileSync(join(dist, 'index.mjs'), esModule(Object.keys(require(join(dist, 'index.js')))))

async function bundle(entries, options) {
  const { outputFiles } = await build({
    entryPoints: entries.map((entry) => join(root, `lib/${entry}.ts`)),
    outbase: join(root, 'lib'),
    outdir: dist,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    // jose is loaded when it is needed; the sandbox's command is its entry with words around it.
    external: [...packages, './bundled-jose', './index'],
    sourcesContent: false,
    write: false,
    ...options
  })
  const maps = new Map(outputFiles.filter(({ path }) => path.endsWith('.map')).map(({ path, text }) => [path, text]))
  for (const { path, text } of outputFiles.filter((file) => !maps.has(file.path))) await writeShortened(path, text, maps.get(`${path}.map`))
}

/** Names of classes that users meet stay, and those of methods: errors are printed by them, and stack traces. */
async function writeShortened(path, code, map) {
  const shortened = await minify(code, {
    ecma: 2020,
    toplevel: true,
    compress: { passes: 3 },
    mangle: { reserved: classesToMeet(code) },
    // Node shows the line that has thrown, whole.
    format: { max_line_len: 160, ascii_only: true },
    ...(map && { sourceMap: { content: map, url: `${basename(path)}.map` } })
  })
  mkdirSync(dirname(path), { recursive: true })
  const [text, mapAddress = ''] = shortened.code.split(/(?=\/\/# sourceMappingURL=)/)
  writeFileSync(path, `${text}\n${exportedNames(code)}${mapAddress}\n`)
  if (map) writeFileSync(`${path}.map`, slim(shortened.map, dirname(path)))
}

/** Errors, and what is exported. */
function classesToMeet(code) {
  const exported = exportedNames(code)
  const classes = [...code.matchAll(/^var (\w+) = class\b(?: \w+)?(?: extends (\S+))?/gm)]
  return classes.filter(([, name, parent = '']) => /Error$/.test(parent) || new RegExp(`\\b${name}\\b`).test(exported)).map(([, name]) => name)
}

/** Never run, but read: by this, Node finds the names that an ES module imports. Taken for dead code, it was left out. */
function exportedNames(code) {
  const [names] = /^0 && \(module\.exports = \{[^}]*\}\);?$/m.exec(code) ?? ['']
  return names && `${names.replace(/\s+/g, '')}\n`
}

async function bundleTypes(entries) {
  execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json'), '--outDir', compiled], { stdio: 'inherit' })
  const types = await rollup({
    input: Object.fromEntries(entries.map((entry) => [entry, join(compiled, `${entry}.d.ts`)])),
    plugins: [dts(), { name: 'indent by two', renderChunk: (code) => code.replace(/^(?: {4})+/gm, (indent) => indent.slice(indent.length / 2)) }],
    external: (name) => !name.startsWith('.') && !name.startsWith('/')
  })
  await types.write({ dir: dist, entryFileNames: '[name].d.ts', chunkFileNames: 'shared.d.ts' })
  for (const file of ['index.d.cts', 'index.d.mts']) copyFileSync(join(compiled, file), join(dist, file))
  rmSync(compiled, { recursive: true })
}

/** `require` gives the constructor, with everything else on it: what lib/index.cts says, without a file more to load. */
function giveConstructor(path) {
  const [code, mapAddress] = readFileSync(path, 'utf8').split(/\n(?=\/\/# sourceMappingURL=)/)
  writeFileSync(path, `${code}\nmodule.exports=Object.assign(module.exports.TwilioStrategy,module.exports)\n${mapAddress}\n`)
}

/**
 * Names spelled out, for Node looks for those of a CommonJS file by reading it once more, and slowly. That is also why
 * there is a file between the two: it is read in place of the long one.
 */
function esModule(names) {
  return `import surface from './unread.js'\nexport default surface\nexport const {${names.filter((name) => name !== 'default').join(',')}}=surface\n`
}
