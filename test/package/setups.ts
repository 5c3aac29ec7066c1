/** A project that uses the packed package as an app does. */
export interface Setup {
  readonly name: string
  /** The folders of projects/ that are copied into the project; a later one replaces files of an earlier one. */
  readonly folders: readonly string[]
  /** The shell command to run in the project, with the programs of its packages on the PATH. */
  readonly command: string
  /** The versions of Node to run it on. Default: the version that runs the tests. */
  readonly nodes?: readonly string[]
  /** The server that the project needs. Its URL is in `REDIS_URL` or `DATABASE_URL`. */
  readonly needs?: 'redis' | 'postgres'
  /** Default: npm. */
  readonly packageManager?: 'pnpm' | 'yarn'
  /** Set for other runtimes, which the table lists without a version of Node. */
  readonly runsWithoutNode?: true
  /** The packages whose versions docs/compatibility.md shows. Default: all that the project depends on, except types. */
  readonly shows?: readonly string[]
}

/** The versions of Node that the package supports. */
export const NODE_VERSIONS = ['20.19', '22', '24', '26'] as const

/** The commands in docs/bun-and-deno.md that start an app. */
export const START = {
  bun: 'bun app.mjs',
  deno: 'deno run --allow-net --allow-read --allow-env --env-file app.mjs'
} as const

/** The commands in docs/testing.md that run the example's tests. */
export const RUN_TESTS = { vitest: 'npx vitest run', mocha: 'npx mocha app.test.mjs' } as const

/** The commands in docs/bundlers.md. */
export const BUNDLE = {
  esbuild: 'npx esbuild app.mjs --bundle --platform=node --target=node20 --outfile=dist/app.cjs',
  esbuildESM: `npx esbuild app.mjs --bundle --platform=node --target=node20 --format=esm --outfile=dist/app.mjs --banner:js="import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)"`,
  esbuildExternal: 'npx esbuild app.mjs --bundle --platform=node --target=node20 --packages=external --outfile=dist/app.cjs',
  rollup: 'npx rollup -c',
  webpack: 'npx webpack'
} as const

/** The command in docs/yarn-pnp.md that starts an app. */
export const START_WITH_PNP = 'yarn node --env-file=.env app.mjs'

/** The command that the README recommends for apps that verify ID tokens. */
export const JEST_WITH_IMPORT = 'NODE_OPTIONS=--experimental-vm-modules npx jest'

const typescript = (version: string, resolution: string, { config = `tsconfig.${resolution}.json`, folder = '.' } = {}): Setup => ({
  name: `TypeScript ${version} with moduleResolution ${resolution}${folder === '.' ? '' : ', as CommonJS'}, with the documented types`,
  folders: ['typescript'],
  shows: [`typescript-${version}`, 'express', 'express-session', 'passport', 'twilio'],
  command: `node node_modules/typescript-${version}/bin/tsc -p ${folder}/${config} --outDir ${folder}/${resolution}-${version} && node try.cjs ${folder}/${resolution}-${version}/app.js`
})
const asCommonJS = { folder: 'commonjs', config: 'tsconfig.json' }

const twoProcesses = (stores: string, { file, needs, shows, nodes }: { file: string } & Pick<Required<Setup>, 'needs' | 'shows'> & Pick<Setup, 'nodes'>): Setup => ({
  name: `two processes with sessions and login records in ${stores}`,
  folders: ['stores'],
  command: `node try-processes.cjs ${file}`,
  needs,
  shows,
  ...(nodes && { nodes })
})

const SERVER = ['express', 'express-session', 'passport'] as const
const ESBUILD = { shows: ['esbuild'] }
const ROLLUP = { shows: ['rollup', '@rollup/plugin-commonjs', '@rollup/plugin-json', '@rollup/plugin-node-resolve'] }
const WEBPACK = { shows: ['webpack'] }
const WITH_NODE = 'node try.cjs app.mjs && node refuse.cjs app.mjs'

/** Starts an app as documented, in a folder of its own, since .env is there. Tries it within one process with the sandbox too. */
const runtime = (name: string, program: keyof typeof START, run: string): Setup => ({
  name: `${name}, verifying ID tokens`,
  folders: ['keys', 'runtimes'],
  command: `mkdir ${program} && cp app.mjs required.cjs ${program} && (cd ${program} && node ../start.cjs '${START[program]}') && ${run} try.cjs app.mjs && ${run} refuse.cjs app.mjs`,
  runsWithoutNode: true,
  shows: [program, ...SERVER]
})

const failures = (name: string, program: keyof typeof START, run: string): Setup => ({
  name: `${name}, where failures at Twilio have the same errors as on Node`,
  folders: ['keys', 'runtimes'],
  command: `${run} failures.cjs`,
  runsWithoutNode: true,
  shows: [program]
})

/** The set-ups run at the same time, so each one bundles the app in a folder of its own. */
const bundle = (name: string, command: string, file: string, { shows, isAlone = true }: { shows: readonly string[]; isAlone?: boolean }): Setup => {
  const folder = name.replaceAll(/\W+/g, '-')
  const attempt = isAlone ? `sh ../try-alone.sh ${file}` : `node ../try.cjs dist/${file} && node ../refuse.cjs dist/${file}`
  return {
    name: `a bundle by ${name}, verifying ID tokens`,
    folders: ['keys', 'bundlers'],
    command: `mkdir ${folder} && cp *.mjs required.cjs ${folder} && cd ${folder} && ${command} && ${attempt}`,
    shows: [...shows, ...SERVER]
  }
}

export const SETUPS: readonly Setup[] = [
  { name: 'JavaScript as ES modules', folders: ['esm'], command: 'node try.cjs app.js', nodes: NODE_VERSIONS },
  { name: 'JavaScript as ES modules and CommonJS in one process, with one copy of each class', folders: ['esm'], command: 'node modules.js', nodes: NODE_VERSIONS },
  { name: 'JavaScript as CommonJS, where require returns the constructor', folders: ['commonjs'], command: 'node try.cjs app.js', nodes: NODE_VERSIONS },
  typescript('5.4', 'nodenext'),
  typescript('5.9', 'nodenext'),
  typescript('6', 'nodenext'),
  typescript('7', 'nodenext'),
  typescript('5.4', 'node16'),
  typescript('7', 'node16'),
  typescript('5.4', 'bundler'),
  typescript('7', 'bundler'),
  typescript('5.4', 'node10', asCommonJS),
  typescript('5.9', 'node10', asCommonJS),
  typescript('6', 'node10', { folder: 'commonjs', config: 'tsconfig.6.json' }),
  typescript('7', 'nodenext', { folder: 'commonjs', config: 'tsconfig.nodenext.json' }),
  { name: 'Jest as CommonJS', folders: ['jest'], command: 'jest app.test.js', nodes: NODE_VERSIONS },
  { name: 'Jest as CommonJS, which names the missing flag when ID tokens are to be verified', folders: ['jest'], command: 'jest missing-flag.test.js', nodes: NODE_VERSIONS },
  { name: 'Jest as CommonJS with NODE_OPTIONS=--experimental-vm-modules, verifying ID tokens', folders: ['jest'], command: `${JEST_WITH_IMPORT} app.test.js id-token.test.js`, nodes: NODE_VERSIONS },
  { name: 'the sandbox as a command', folders: ['commonjs'], command: 'passport-twilio-sandbox --help' },
  { name: 'Express 4', folders: ['commonjs', 'express-4'], command: 'node try.cjs app.js' },
  { name: 'Passport 0.6', folders: ['commonjs', 'passport-0.6'], command: 'node try.cjs app.js' },
  { name: 'plain Connect', folders: ['connect'], command: 'node try.cjs app.js' },
  { name: 'NestJS with @nestjs/passport', folders: ['nestjs'], command: 'tsc && node try.cjs app.js' },
  { name: 'Fastify with @fastify/express', folders: ['fastify'], command: 'node try.cjs bridge.js', shows: ['fastify', '@fastify/express', 'express-session', 'passport'] },
  { name: 'Fastify with @fastify/passport', folders: ['fastify'], command: 'node try.cjs hooks.js', shows: ['fastify', '@fastify/passport', '@fastify/session', '@fastify/cookie'] },
  { name: 'sessions in Redis with connect-redis', folders: ['sessions'], command: 'node try.cjs redis.js', needs: 'redis', shows: ['connect-redis', 'redis', 'express-session', 'express', 'passport'] },
  { name: 'sessions in a cookie with cookie-session', folders: ['sessions'], command: 'node try.cjs cookie.js', shows: ['cookie-session', 'express', 'passport'] },
  { name: 'connect-ensure-login', folders: ['sessions'], command: 'node try.cjs ensure-login.js', shows: ['connect-ensure-login', 'express-session', 'express', 'passport'] },
  { name: 'passport-oauth2-refresh', folders: ['sessions'], command: 'node try.cjs oauth2-refresh.js', shows: ['passport-oauth2-refresh', 'express-session', 'express', 'passport'] },

  // Servers, stores and sockets
  { name: 'Next.js with a custom server', folders: ['nextjs'], command: 'NEXT_TELEMETRY_DISABLED=1 next build && NODE_ENV=production node try-pages.cjs server.mjs' },
  { name: 'serverless-http, with events of AWS Lambda', folders: ['serverless'], command: 'AWS_LAMBDA_FUNCTION_NAME=shop node try-lambda.cjs function.js', needs: 'redis' },
  { name: 'ws, whose connections share the session', folders: ['websockets'], command: 'node try-sockets.cjs ws.js', shows: ['ws', 'express-session', 'express', 'passport'] },
  { name: 'socket.io, whose connections share the session', folders: ['websockets'], command: 'node try-sockets.cjs socket.io.js', shows: ['socket.io', 'express-session', 'express', 'passport'] },
  { name: 'two copies of Passport, of which 0.6 logs people in', folders: ['two-passports'], command: 'node try.cjs login-0.6.js' },
  { name: 'two copies of Passport, of which 0.7 logs people in', folders: ['two-passports'], command: 'node try.cjs login-0.7.js' },
  twoProcesses('node-redis 4 and connect-redis 8', { file: 'redis-4.js', needs: 'redis', shows: ['redis-4', 'connect-redis-8', 'express-session'] }),
  twoProcesses('node-redis 5 and connect-redis 9', { file: 'redis-5.js', needs: 'redis', shows: ['redis-5', 'connect-redis-9', 'express-session'] }),
  twoProcesses('node-redis 6 and connect-redis 9', { file: 'redis-6.js', needs: 'redis', shows: ['redis', 'connect-redis-9', 'express-session'] }),
  twoProcesses('node-redis 6 and connect-redis 10', { file: 'connect-redis-10.js', needs: 'redis', shows: ['redis', 'connect-redis', 'express-session'], nodes: ['22'] }),
  twoProcesses('ioredis 5 and connect-redis 8', { file: 'ioredis-5.js', needs: 'redis', shows: ['ioredis-5', 'connect-redis-8', 'express-session'] }),
  twoProcesses('ioredis 6 and connect-redis 8', { file: 'ioredis-6.js', needs: 'redis', shows: ['ioredis-6', 'connect-redis-8', 'express-session'] }),
  twoProcesses('iovalkey and connect-redis 8', { file: 'iovalkey.js', needs: 'redis', shows: ['iovalkey', 'connect-redis-8', 'express-session'] }),
  twoProcesses('pg and connect-pg-simple', { file: 'postgres.js', needs: 'postgres', shows: ['pg', 'connect-pg-simple', 'express-session'] }),
  { name: 'the types of node-redis 4, 5 and 6, ioredis 5 and 6, iovalkey and pg', folders: ['stores'], command: 'tsc', shows: ['typescript', 'redis-4', 'redis-5', 'redis', 'ioredis-5', 'ioredis-6', 'iovalkey', 'pg'] },

  // Runtimes, package managers and bundlers
  runtime('Bun', 'bun', 'bun'),
  runtime('Deno', 'deno', 'deno run --allow-all'),
  failures('Bun', 'bun', 'bun'),
  failures('Deno', 'deno', 'deno run --allow-all'),
  { name: 'Vitest', folders: ['runners', 'vitest'], command: RUN_TESTS.vitest, nodes: ['22', '24', '26'] },
  { name: 'Mocha', folders: ['runners', 'mocha'], command: RUN_TESTS.mocha, nodes: NODE_VERSIONS },
  { name: 'pnpm', folders: ['keys', 'strict'], packageManager: 'pnpm', command: WITH_NODE, nodes: NODE_VERSIONS, shows: ['pnpm', ...SERVER] },
  { name: 'pnpm, with the types', folders: ['keys', 'strict'], packageManager: 'pnpm', command: 'tsc', shows: ['pnpm', 'typescript', '@types/express'] },
  { name: "Yarn Plug'n'Play in its strictest mode", folders: ['keys', 'strict'], packageManager: 'yarn', command: 'yarn node try.cjs app.mjs && yarn node refuse.cjs app.mjs', nodes: NODE_VERSIONS, shows: ['yarn', ...SERVER] },
  { name: "Yarn Plug'n'Play in its strictest mode, with the types and the commands", folders: ['keys', 'strict'], packageManager: 'yarn', command: `yarn tsc && yarn node start.cjs '${START_WITH_PNP}' && yarn passport-twilio-sandbox --help && yarn passport-twilio-doctor --help`, shows: ['yarn', 'typescript', '@types/express'] },
  bundle('esbuild, as CommonJS', BUNDLE.esbuild, 'app.cjs', ESBUILD),
  bundle('esbuild, as CommonJS and minified', `${BUNDLE.esbuild} --minify`, 'app.cjs', ESBUILD),
  bundle('esbuild, as an ES module', BUNDLE.esbuildESM, 'app.mjs', ESBUILD),
  bundle('esbuild, without the packages', BUNDLE.esbuildExternal, 'app.cjs', { ...ESBUILD, isAlone: false }),
  bundle('Rollup, as CommonJS', BUNDLE.rollup, 'app.cjs', ROLLUP),
  bundle('Rollup, as an ES module', `${BUNDLE.rollup} --format es --file dist/app.mjs`, 'app.mjs', ROLLUP),
  bundle('Rollup, without passport-twilio', `${BUNDLE.rollup} --external passport-twilio`, 'app.cjs', { ...ROLLUP, isAlone: false }),
  bundle('webpack, as CommonJS', BUNDLE.webpack, 'app.cjs', WEBPACK),
  bundle('webpack, as an ES module', `${BUNDLE.webpack} --config webpack.esm.config.mjs`, 'app.mjs', WEBPACK),
  bundle('webpack, without passport-twilio', `${BUNDLE.webpack} --externals passport-twilio --externals-type commonjs`, 'app.cjs', { ...WEBPACK, isAlone: false })
]
