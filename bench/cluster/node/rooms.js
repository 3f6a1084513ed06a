// A server of Socket.IO with its adapter for Redis, and the events that the measurement uses: node rooms.js PORT REDIS
'use strict'

const { createServer } = require('node:http')
const Redis = require('ioredis')
const { Server } = require('socket.io')
const { createAdapter } = require('@socket.io/redis-adapter')

const hour = 3600 * 1000
const [host, port] = process.argv[3].split(':')
const publish = new Redis({ host, port: Number(port) })
const subscribe = publish.duplicate()
const http = createServer()
const io = new Server(http, { pingInterval: hour, pingTimeout: hour, adapter: createAdapter(publish, subscribe) })
http.listen(Number(process.argv[2]), '127.0.0.1')

io.on('connection', async (socket) => {
  socket.on('say', ({ message }, ack) => {
    socket.to('defaultRoom').emit('say', { message, from: socket.id, context: 'user' })
    ack({ context: 'response', status: 'OK' })
  })
  await socket.join('defaultRoom')
  socket.emit('welcome', { welcome: 'Hello!', room: 'defaultRoom', context: 'api' })
})
