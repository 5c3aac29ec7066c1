import { promisify } from 'node:util'
import { Server } from 'socket.io'
import { isOwnPage, run, server, sessions, tokens } from './app.js'

const io = new Server(server, { allowRequest: (req, done) => done(null, isOwnPage(req)) })

io.use((socket, next) => {
  run(sessions, socket.request)
    .then(() => run(tokens.fresh(), socket.request))
    .then(() => next(), next)
})

io.on('connection', (socket) => {
  const req = socket.request
  socket.use(async (event, next) => {
    try {
      await promisify((done) => req.session.reload(done))()
      await run(tokens.fresh(), req)
    } catch {
      socket.disconnect()
      return
    }
    next()
  })
  socket.on('account', (reply) => reply({ tokenExpiresAt: req.twilioTokens.expiresAt }))
})
