import type { IncomingMessage, ServerResponse } from 'node:http'

/** Connect middleware, as used by Express, NestJS and Fastify's Express bridge. */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void
