// Runs the stock client against a server: node suite.js <package of the client> <transports> <url>.
// It writes a line for each case, "ok NAME" or "not ok NAME: error". After writing the line "restart" it waits until the
// parent process has restarted the server and written a line.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const readline = require('node:readline')

const [name, mode, url] = process.argv.slice(2)
const { io } = require(name)
const transports = mode.split(',')
const answers = readline.createInterface({ input: process.stdin })

const open = []

// connect opens a new connection and waits for the welcome.
async function connect (options = {}) {
  const socket = io(url, { transports, forceNew: true, reconnection: false, ...options })
  open.push(socket)
  socket.on('connect_error', (err) => socket.failed?.(err))
  socket.welcome = await within('welcome', new Promise((resolve, reject) => {
    socket.once('welcome', resolve)
    socket.failed = reject
  }))
  if (transports.length > 1) await upgraded(socket)
  return socket
}

async function upgraded (socket) {
  if (socket.io.engine.transport.name !== 'websocket') await within('upgrade', once(socket.io.engine, 'upgrade'))
}

function within (what, promise, ms = 10000) {
  let timer
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms`)), ms) })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// event waits for the next event of this name and returns its only argument.
async function event (socket, name) {
  const args = await within(`event ${name}`, once(socket, name))
  assert.equal(args.length, 1)
  return args[0]
}

// ask emits an event and waits for the event response.
function ask (socket, name, ...args) {
  const response = event(socket, 'response')
  socket.emit(name, ...args)
  return response
}

// call emits an event and returns the only argument of its acknowledgement.
function call (socket, name, ...args) {
  return within(`acknowledgement of ${name}`, new Promise((resolve) => {
    socket.emit(name, ...args, (...got) => {
      assert.equal(got.length, 1)
      resolve(got[0])
    })
  }))
}

const cases = {
  async welcome () {
    const a = await connect()
    assert.deepEqual(a.welcome, { welcome: 'Hello! Welcome to the actionHero api', room: 'defaultRoom', context: 'api' })
    assert.deepEqual(Object.keys(a.welcome), ['welcome', 'room', 'context'])
    assert.equal(a.io.engine.transport.name, transports[transports.length - 1])
    const details = await call(a, 'detailsView')
    assert.equal(details.details.public.id, a.id)
  },

  async action () {
    const a = await connect()
    const answer = await ask(a, 'action', { action: 'echo', text: 'héllo \u2028 \u0000 😀', limit: 5 })
    assert.deepEqual(Object.keys(answer), ['context', 'text', 'size', 'error'])
    assert.deepEqual(answer, { context: 'response', text: 'héllo \u2028 \u0000 😀', size: 0, error: false })
  },

  async paramsStandAlone () {
    const a = await connect()
    await ask(a, 'action', { action: 'echo', text: 'sticky' })
    assert.equal((await ask(a, 'action', { action: 'echo' })).error, 'text is a required parameter for this action')
  },

  async errors () {
    const a = await connect()
    for (const [event, arg, want] of [
      ['action', { action: 'echo' }, 'text is a required parameter for this action'],
      ['action', { action: 'nothing' }, 'nothing is not a known action.'],
      ['action', {}, '{no action} is not a known action.'],
      ['action', undefined, '{no action} is not a known action.'],
      ['action', 7, 'the argument of an action must be an object'],
      ['action', { action: 7 }, 'action must be a string'],
      ['action', { action: 'echo', text: 'x', size: 'many' }, 'size must be a whole number'],
      ['roomChange', {}, 'room must be a name of 1 to 128 bytes'],
      ['roomChange', { room: 7 }, 'room must be a string'],
      ['unheardOf', {}, 'unheardOf is not a known event: use action, detailsView, roomAdd, roomChange, roomLeave, roomView, say or quit']
    ]) {
      const args = arg === undefined ? [] : [arg]
      for (const answer of [await ask(a, event, ...args), await call(a, event, ...args)]) {
        assert.deepEqual(Object.keys(answer).slice(0, 3), ['context', 'error', 'errorCode'])
        assert.equal(answer.error, want)
      }
    }
  },

  async ack () {
    const a = await connect()
    a.on('response', (got) => assert.fail(`a response besides the acknowledgement: ${JSON.stringify(got)}`))
    const texts = Array.from({ length: 300 }, (_, i) => `number ${i}`)
    const got = await Promise.all(texts.map((text) => call(a, 'action', { action: 'echo', text })))
    assert.deepEqual(got.map((answer) => answer.text), texts)
    assert.equal((await call(a, 'roomView')).status, 'OK')
  },

  async slowRequestsHoldUpNobody () {
    const a = await connect()
    const order = []
    const slow = call(a, 'action', { action: 'hold' }).then(() => order.push('slow'))
    await call(a, 'action', { action: 'echo', text: 'x' })
    order.push('quick')
    await call(a, 'action', { action: 'release' })
    await slow
    assert.deepEqual(order, ['quick', 'slow'])
  },

  async binary () {
    const a = await connect()
    const bytes = Buffer.alloc(100000, 'abc')
    const answer = await call(a, 'action', { action: 'echo', text: 'x', data: bytes, more: [Buffer.from('1'), Buffer.from('2')] })
    assert.equal(answer.size, 100000)
    const wrong = await ask(a, 'action', { action: 'echo', text: Buffer.from('x') })
    assert.equal(wrong.error, false)
    assert.equal(wrong.text, Buffer.from('x').toString('base64'))
  },

  async say () {
    const [a, b] = [await connect(), await connect()]
    for (const socket of [a, b]) await call(socket, 'roomChange', { room: `say ${name} ${mode}` })
    b.on('say', (got) => assert.notEqual(got.from, b.id))
    const heard = within('message', new Promise((resolve) => a.on('say', (got) => got.message === 'hooray!' && resolve(got))))
    assert.deepEqual(await ask(b, 'say', { message: 'hooray!' }), { context: 'response', status: 'OK' })
    assert.deepEqual(await heard, { message: 'hooray!', from: b.id, context: 'user' })
  },

  async roomChange () {
    const [a, b] = [await connect(), await connect()]
    const room = `change ${name} ${mode}`
    assert.deepEqual(await ask(a, 'roomChange', { room }), { context: 'response', status: 'OK', room })
    const entered = event(a, 'say')
    assert.deepEqual(await call(b, 'roomChange', { room }), { context: 'response', status: 'OK', room })
    assert.deepEqual(await entered, { message: 'I have entered the room', from: b.id, context: 'user' })
    const left = event(a, 'say')
    const id = b.id
    b.disconnect()
    assert.deepEqual(await left, { message: 'I have left the room', from: id, context: 'user' })
  },

  async roomView () {
    const a = await connect()
    const room = `view ${name} ${mode}`
    await call(a, 'roomChange', { room })
    const want = { context: 'response', status: 'OK', room, roomStatus: { members: [a.id], membersCount: 1 } }
    assert.deepEqual(await ask(a, 'roomView'), want)
    assert.deepEqual(await ask(a, 'roomView', {}), want)
    assert.deepEqual(await call(a, 'roomView', {}), want)
  },

  async furtherRooms () {
    const [a, b] = [await connect(), await connect()]
    const room = `further ${name} ${mode}`
    await call(b, 'roomChange', { room })
    assert.deepEqual(await call(a, 'roomAdd', { room }), { context: 'response', status: 'OK', room })
    const heard = event(a, 'say')
    await call(b, 'say', { message: 'far away' })
    assert.deepEqual(await heard, { message: 'far away', from: b.id, context: 'user', room })
    assert.deepEqual(await call(a, 'roomLeave', { room }), { context: 'response', status: 'OK', room })
  },

  async detailsView () {
    const a = await connect()
    const answer = await ask(a, 'detailsView')
    const { connectedAt } = answer.details.public
    assert.ok(Math.abs(Date.now() - connectedAt) < 60000)
    assert.deepEqual(answer, { context: 'response', status: 'OK', details: { public: { id: a.id, connectedAt } } })
  },

  async quit () {
    for (const word of ['quit', 'exit', 'close']) {
      const a = await connect({ reconnection: true })
      const gone = within('disconnect', once(a, 'disconnect'))
      a.emit(word)
      assert.equal((await gone)[0], 'io server disconnect')
      const b = await connect({ reconnection: true })
      const goneToo = within('disconnect', once(b, 'disconnect'))
      assert.deepEqual(await call(b, word), { status: 'Bye!', context: 'response' })
      assert.equal((await goneToo)[0], 'io server disconnect')
    }
  },

  async tooLarge () {
    const a = await connect()
    const answer = await call(a, 'action', { action: 'echo', text: 'x'.repeat(900000) })
    assert.equal(answer.text?.length, 900000)
    const gone = within('disconnect', once(a, 'disconnect'))
    a.emit('action', { action: 'echo', text: 'x'.repeat(1100000) })
    const [reason] = await gone
    assert.match(reason, /^transport (error|close)$/)
    const b = await connect()
    assert.equal((await call(b, 'action', { action: 'echo', text: 'still here' })).text, 'still here')
  },

  async namespace () {
    const a = io(`${url}/random`, { transports, forceNew: true, reconnection: false })
    open.push(a)
    const [err] = await within('refusal', once(a, 'connect_error'))
    assert.equal(err.message, 'Invalid namespace')
    const b = a.io.socket('/')
    const welcome = event(b, 'welcome')
    b.connect()
    assert.equal((await welcome).context, 'api')
  },

  async connectAgain () {
    const a = await connect()
    const first = a.id
    const closed = within('close', once(a.io.engine, 'close')) // version 3 can connect only after this
    a.disconnect()
    await closed
    const welcome = event(a, 'welcome')
    a.connect()
    await welcome
    assert.notEqual(a.id, first)
    assert.equal((await call(a, 'roomView')).room, 'defaultRoom')
  },

  // The app refuses a wrong token. The client reads why, and connects with a better one.
  async refused () {
    const a = io(url, { transports, forceNew: true, reconnection: false, auth: { token: 'wrong' } })
    open.push(a)
    const [err] = await within('refusal', once(a, 'connect_error'))
    assert.equal(err.message, 'log in first')
    assert.deepEqual(err.data, { errorCode: 'unauthenticated' })
    assert.equal(a.connected, false)
    a.auth = { token: 'right' }
    const welcome = event(a, 'welcome')
    a.connect()
    await welcome
    assert.equal((await call(a, 'detailsView')).details.public.details.token, 'right')
  },

  async heartbeat () {
    const a = await connect()
    let pings = 0
    await within('second ping', new Promise((resolve) => a.io.engine.on('packet', (packet) => {
      if (packet.type === 'ping' && ++pings === 2) resolve()
    })))
    assert.equal((await call(a, 'action', { action: 'echo', text: 'alive' })).text, 'alive')
  },

  async restart () {
    const a = await connect({ reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 })
    const first = a.id
    const gone = within('disconnect', once(a, 'disconnect'))
    const welcome = within('welcome', once(a, 'welcome'), 20000)
    const restarted = once(answers, 'line')
    console.log('restart')
    const [reason] = await gone
    assert.match(reason, /^transport (error|close)$/)
    await restarted
    await welcome
    assert.notEqual(a.id, first)
    assert.equal((await call(a, 'action', { action: 'echo', text: 'back' })).text, 'back')
  }
}

async function main () {
  for (const [title, run] of Object.entries(cases)) {
    try {
      await run()
      console.log(`ok ${title}`)
    } catch (err) {
      console.log(`not ok ${title}: ${String(err.stack).replaceAll('\n', ' | ')}`)
    }
    for (const socket of open.splice(0)) socket.disconnect()
  }
  answers.close()
}

process.on('unhandledRejection', (err) => {
  console.log(`not ok: ${String(err?.stack).replaceAll('\n', ' | ')}`)
  process.exit(1)
})
main()
