import { connect } from 'node:net'

/** ms to wait for a response before it counts as a hang: much longer than any timeout in these tests. */
const HANG_TIMEOUT = 10_000

export interface RawResponse {
  readonly status: number
  readonly location: string | undefined
  readonly cookie: string | undefined
  readonly body: string
}

/** Sends a GET request whose target is any bytes, which an HTTP client would reject. */
export function ask(port: number, target: Buffer, { cookie }: { cookie?: string | undefined } = {}): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const parts: Buffer[] = []
    socket.setTimeout(HANG_TIMEOUT, () => socket.destroy(new Error(`No response within ${HANG_TIMEOUT} ms.`)))
    socket.on('error', reject)
    socket.on('data', (part) => parts.push(part))
    socket.on('end', () => resolve(parse(Buffer.concat(parts).toString())))
    const headers = ['Host: localhost', 'Accept: text/html', 'Connection: close', ...(cookie === undefined ? [] : [`Cookie: ${cookie}`])]
    socket.write(Buffer.concat([Buffer.from('GET '), target, Buffer.from(` HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)]))
  })
}

function parse(response: string): RawResponse {
  const end = response.indexOf('\r\n\r\n')
  const head = response.slice(0, end)
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]),
    location: /^location: (.*)$/im.exec(head)?.[1],
    cookie: /^set-cookie: ([^;]*)/im.exec(head)?.[1],
    body: response.slice(end + 4)
  }
}
