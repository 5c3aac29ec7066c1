/** Somebody's project that logs in with the packed package. */
export interface Setup {
  readonly name: string
  /** The folders of projects/ that it is put together from; what comes later wins. */
  readonly folders: readonly string[]
  /** What is run in it, by its own `node` and the programs of its packages. */
  readonly command: string
  /** The versions of Node to run it on. Default: the one that runs the tests. */
  readonly nodes?: readonly string[]
  /** Whether it keeps sessions in Redis. */
  readonly needsRedis?: true
}

/** The versions of Node that the package promises to run on. */
export const NODE_VERSIONS = ['20.19', '22', '24'] as const

const typescript = (version: string, resolution: string, { config = `tsconfig.${resolution}.json`, folder = '.' } = {}): Setup => ({
  name: `TypeScript ${version} with moduleResolution ${resolution}${folder === '.' ? '' : ', as CommonJS'}, and types that hold`,
  folders: ['typescript'],
  command: `node node_modules/typescript-${version}/bin/tsc -p ${folder}/${config} --outDir ${folder}/${resolution}-${version} && node try.cjs ${folder}/${resolution}-${version}/app.js`
})
const asCommonJS = { folder: 'commonjs', config: 'tsconfig.json' }

export const SETUPS: readonly Setup[] = [
  { name: 'JavaScript as ES modules', folders: ['esm'], command: 'node try.cjs app.js', nodes: NODE_VERSIONS },
  { name: 'JavaScript as ES modules, with one copy of each class however it is loaded', folders: ['esm'], command: 'node modules.js', nodes: NODE_VERSIONS },
  { name: 'JavaScript as CommonJS, where require gives the constructor', folders: ['commonjs'], command: 'node try.cjs app.js', nodes: NODE_VERSIONS },
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
  { name: 'Jest as CommonJS', folders: ['jest'], command: 'jest' },
  { name: 'Express 4', folders: ['commonjs', 'express-4'], command: 'node try.cjs app.js' },
  { name: 'plain Connect', folders: ['connect'], command: 'node try.cjs app.js' },
  { name: 'NestJS with @nestjs/passport', folders: ['nestjs'], command: 'tsc && node try.cjs app.js' },
  { name: 'Fastify with @fastify/express', folders: ['fastify'], command: 'node try.cjs bridge.js' },
  { name: 'Fastify with @fastify/passport', folders: ['fastify'], command: 'node try.cjs hooks.js' },
  { name: 'sessions in Redis with connect-redis', folders: ['sessions'], command: 'node try.cjs redis.js', needsRedis: true },
  { name: 'sessions in a cookie with cookie-session', folders: ['sessions'], command: 'node try.cjs cookie.js' },
  { name: 'connect-ensure-login', folders: ['sessions'], command: 'node try.cjs ensure-login.js' },
  { name: 'passport-oauth2-refresh', folders: ['sessions'], command: 'node try.cjs oauth2-refresh.js' }
]
