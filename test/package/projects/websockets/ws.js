import { promisify } from 'node:util'
import { WebSocketServer } from 'ws'
import { isOwnPage, run, server, sessions, tokens } from './app.js'

const sockets = new WebSocketServer({ noServer: true })

server.on('upgrade', async (req, socket, head) => {
  if (!isOwnPage(req)) {
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    return
  }
  try {
    await run(sessions, req)
    await run(tokens.fresh(), req)
  } catch (error) {
    socket.end(`HTTP/1.1 ${error.status === 401 ? '401 Unauthorized' : '503 Service Unavailable'}\r\n\r\n`)
    return
  }
  sockets.handleUpgrade(req, socket, head, (connection) => {
    connection.on('message', async () => {
      try {
        await promisify((done) => req.session.reload(done))()
        await run(tokens.fresh(), req)
        connection.send(JSON.stringify({ tokenExpiresAt: req.twilioTokens.expiresAt }))
      } catch {
        connection.close()
      }
    })
  })
})
