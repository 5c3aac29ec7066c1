import { connect } from 'node:net'

/** How long an answer is waited for before it is called a hang, in ms: far longer than any deadline of these tests. */
const HANG = 10_000

export interface RawAnswer {
  readonly status: number
  readonly location: string | undefined
  readonly cookie: string | undefined
  readonly body: string
}

/** Asks with whatever bytes are given, which no HTTP client would let through. */
export function ask(port: number, target: Buffer, { cookie }: { cookie?: string | undefined } = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const parts: Buffer[] = []
    socket.setTimeout(HANG, () => socket.destroy(new Error('There is no answer.')))
    socket.on('error', reject)
    socket.on('data', (part) => parts.push(part))
    socket.on('end', () => resolve(read(Buffer.concat(parts).toString())))
    const headers = ['Host: localhost', 'Accept: text/html', 'Connection: close', ...(cookie === undefined ? [] : [`Cookie: ${cookie}`])]
    socket.write(Buffer.concat([Buffer.from('GET '), target, Buffer.from(` HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)]))
  })
}

function read(answer: string): RawAnswer {
  const end = answer.indexOf('\r\n\r\n')
  const head = answer.slice(0, end)
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]),
    location: /^location: (.*)$/im.exec(head)?.[1],
    cookie: /^set-cookie: ([^;]*)/im.exec(head)?.[1],
    body: answer.slice(end + 4)
  }
}
