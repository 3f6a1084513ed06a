// The server of Socket.IO on Node.js with the events that the measurements use: node server.js PORT
'use strict'

const { createServer } = require('node:http')
const { Server } = require('socket.io')

const hour = 3600 * 1000
const http = createServer()
const io = new Server(http, { pingInterval: hour, pingTimeout: hour })
http.listen(Number(process.argv[2]), '127.0.0.1')

io.on('connection', (socket) => {
  socket.join('defaultRoom')
  socket.emit('welcome', { welcome: 'Hello!', room: 'defaultRoom', context: 'api' })
  socket.on('action', (params, ack) => ack({ context: 'response', randomNumber: Math.random(), error: false }))
  socket.on('say', ({ message }, ack) => {
    socket.to('defaultRoom').emit('say', { message, from: socket.id, context: 'user' })
    ack({ context: 'response', status: 'OK' })
  })
})
