import { createClient } from 'redis'

const connect = (url: string) => createClient({ url }).connect()
type Client = Awaited<ReturnType<typeof connect>>

/** The commands that a Redis receives, as it reports them itself (MONITOR). */
export class CommandLog {
  readonly #monitor: Client
  readonly #asking: Client
  #onCommand: (command: string) => void = () => undefined
  #marks = 0

  private constructor(monitor: Client, asking: Client) {
    this.#monitor = monitor
    this.#asking = asking
  }

  static async open(url: string): Promise<CommandLog> {
    const log = new CommandLog(await connect(url), await connect(url))
    await log.#monitor.monitor((line) => {
      const command = sentCommandIn(line)
      if (command !== undefined) log.#onCommand(command)
    })
    return log
  }

  /** How often each command is sent during some work, by name. Those that a script runs inside Redis are not counted. */
  async during(work: () => Promise<void>): Promise<Map<string, number>> {
    await this.#catchUp()
    const counts = new Map<string, number>()
    this.#onCommand = (command) => counts.set(command, (counts.get(command) ?? 0) + 1)
    await work()
    await this.#catchUp()
    return counts
  }

  close(): void {
    this.#monitor.destroy()
    this.#asking.destroy()
  }

  /** Waits until Redis has reported all commands so far. */
  async #catchUp(): Promise<void> {
    const counting = this.#onCommand
    const mark = `MARK${this.#marks++}`
    const reported = new Promise<void>((resolve) => {
      this.#onCommand = (command) => {
        if (command === mark) resolve()
        else counting(command)
      }
    })
    // An unknown command would not be reported.
    await this.#asking.echo(mark)
    await reported
    this.#onCommand = () => undefined
  }
}

/** Parses lines such as `1700000000.000000 [0 127.0.0.1:50000] "get" "sess:…"`. Commands of scripts have `lua` as their address. */
function sentCommandIn(line: string): string | undefined {
  const [, address, command = '', parameter] = /^\S+ \[\d+ ([^\]]+)\] "([^"]*)"(?: "([^"]*)")?/.exec(line) ?? []
  if (address === undefined || address === 'lua') return undefined
  return command.toUpperCase() === 'ECHO' ? parameter : command.toUpperCase()
}
