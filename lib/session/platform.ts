/** Environment variables set by platforms that freeze or end a process once its response has been sent. */
const FREEZING_PLATFORMS = ['AWS_LAMBDA_FUNCTION_NAME', 'VERCEL', 'NETLIFY', 'K_SERVICE', 'FUNCTION_TARGET', 'FUNCTIONS_WORKER_RUNTIME']

/** Whether work that continues after the response may never finish. */
export function freezesAfterResponse(environment: NodeJS.ProcessEnv): boolean {
  return FREEZING_PLATFORMS.some((name) => environment[name] !== undefined)
}
