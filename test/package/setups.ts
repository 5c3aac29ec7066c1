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
  /** The packages whose versions docs/compatibility.md shows. Default: all that the project depends on, except types. */
  readonly shows?: readonly string[]
}

/** The versions of Node that the package supports. */
export const NODE_VERSIONS = ['20.19', '22', '24', '26'] as const

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
  { name: 'the types of node-redis 4, 5 and 6, ioredis 5 and 6, iovalkey and pg', folders: ['stores'], command: 'tsc', shows: ['typescript', 'redis-4', 'redis-5', 'redis', 'ioredis-5', 'ioredis-6', 'iovalkey', 'pg'] }
]
