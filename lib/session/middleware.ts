import type { IncomingMessage, ServerResponse } from 'node:http'

/** Middleware for Connect, and for everything that takes Connect's: Express, NestJS, Fastify's Express bridge. */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void
