import type { Results } from '../results.ts'
export function writeReports(_results: Results): void {}
