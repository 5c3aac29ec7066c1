import type { Random } from './random'

/** How likely each fault is, at each call or moment where it may happen: from 0 to 1. */
export interface Faults {
  /** A reply within a second or so. */
  readonly slow: number
  /** A call that is carried out, or answered, many seconds late. */
  readonly late: number
  /** The record store refuses, and says that nothing was done. */
  readonly refused: number
  /** The record store fails, and it isn't known whether the work was done. */
  readonly failed: number
  /** The record store never replies, and may have done the work or not. */
  readonly silent: number
  /** The session store fails, with the work done or not. */
  readonly sessionFailed: number
  /** The session store takes seconds. */
  readonly sessionLate: number
  /** Twilio answers 500, and nothing is spent. */
  readonly twilioDown: number
  /** Twilio answers just in time. */
  readonly twilioLate: number
  /** Twilio's answer is lost after the refresh token was spent. */
  readonly twilioLost: number
  /** The process stands still just after it has sent something, for up to some seconds. */
  readonly stall: number
  /** The same, for so long that locks expire. */
  readonly freeze: number
  /** The process disappears just after it has sent something. */
  readonly crash: number
}

export const NO_FAULTS: Faults = {
  slow: 0,
  late: 0,
  refused: 0,
  failed: 0,
  silent: 0,
  sessionFailed: 0,
  sessionLate: 0,
  twilioDown: 0,
  twilioLate: 0,
  twilioLost: 0,
  stall: 0,
  freeze: 0,
  crash: 0
}

/** Most schedules have few kinds of faults, but those often: with all of them at once, nothing would be left to promise. */
export function randomFaults(random: Random): Faults {
  const kinds = Object.keys(NO_FAULTS)
  const share = random.pick([0, 0.1, 0.2, 0.4])
  return { ...NO_FAULTS, ...Object.fromEntries(kinds.filter(() => random.chance(share)).map((kind) => [kind, random.pick([0.03, 0.1, 0.3])])) }
}
