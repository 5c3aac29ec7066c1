import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { DiagnosticsMessages } from '../../lib'

export type ChannelName = keyof DiagnosticsMessages
export const CHANNELS = ['passport-twilio:login', 'passport-twilio:token', 'passport-twilio:refresh', 'passport-twilio:logout'] as const satisfies readonly ChannelName[]

type Published = { readonly [Name in ChannelName]: DiagnosticsMessages[Name][] }

/** Runs a test, and collects what is published meanwhile. */
export async function withMessages(test: (messages: Published) => Promise<void>): Promise<void> {
  const messages: Record<ChannelName, unknown[]> = { 'passport-twilio:login': [], 'passport-twilio:token': [], 'passport-twilio:refresh': [], 'passport-twilio:logout': [] }
  const listeners = CHANNELS.map((name) => [name, (message: unknown) => void messages[name].push(message)] as const)
  for (const [name, listener] of listeners) subscribe(name, listener)
  try {
    await test(messages as Published)
  } finally {
    for (const [name, listener] of listeners) unsubscribe(name, listener)
  }
}

/** A message without its duration, which has to be a number of ms. */
export function withoutDuration<Message extends { readonly duration: number }>({ duration, ...rest }: Message): Omit<Message, 'duration'> {
  if (!(duration >= 0 && duration < 60_000)) throw new Error(`The duration is ${duration}.`)
  return rest
}
