import type { IncomingMessage, ServerResponse } from 'node:http'

/** Connect middleware, as Express, NestJS and Fastify's Express bridge use it. */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void
