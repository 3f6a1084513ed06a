// Runs one stock Socket.IO client: node client.js <url> <transports> <query>. It writes a line for each event. A line of
// its input is an event to emit and the JSON of its argument; the acknowledgement is written.
'use strict'

const readline = require('node:readline')
const { io } = require('socket.io-client')

const [url, transports, query] = process.argv.slice(2)
const socket = io(url, {
  transports: transports.split(','), query: JSON.parse(query || '{}'), reconnectionDelay: 100, reconnectionDelayMax: 300
})

function print (kind, value) { process.stdout.write(`${kind} ${JSON.stringify(value)}\n`) }

socket.io.on('open', () => {
  const engine = socket.io.engine
  engine.once('upgradeError', () => print('upgradeError', engine.transport.name))
  engine.once('upgrade', (transport) => print('upgrade', transport.name))
})
socket.on('connect', () => print('connect', socket.id))
socket.on('disconnect', (reason) => print('disconnect', reason))
for (const name of ['welcome', 'say', 'api']) socket.on(name, (value) => print(name, value))

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const space = line.indexOf(' ')
  socket.emit(line.slice(0, space), JSON.parse(line.slice(space + 1)), (answer) => print('ack', answer))
}).on('close', () => process.exit())
