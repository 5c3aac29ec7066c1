/** Environment variables that platforms set which freeze or end a process once its response is sent. */
const FREEZING_PLATFORMS = ['AWS_LAMBDA_FUNCTION_NAME', 'VERCEL', 'NETLIFY', 'K_SERVICE', 'FUNCTION_TARGET', 'FUNCTIONS_WORKER_RUNTIME']

/** Whether what a process does after its response may never be finished. */
export function freezesAfterResponse(environment: NodeJS.ProcessEnv): boolean {
  return FREEZING_PLATFORMS.some((name) => environment[name] !== undefined)
}
