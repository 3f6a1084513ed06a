// BullMQ and node-resque: node queues.js NAME ADDR. It reads an order from each line of its input and answers with a line of
// numbers. The orders are those of contender.go.
'use strict'

const readline = require('node:readline')

const concurrency = 10
const [name, addr] = process.argv.slice(2)
const [host, port] = [addr.split(':')[0], Number(addr.split(':')[1])]
const connection = { host, port, maxRetriesPerRequest: null }

const now = () => performance.timeOrigin + performance.now()
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const newMail = () => ({
  to: 'someone@example.com',
  template: 'welcome',
  text: 'Hello, and thank you for your order. It will be on its way to you tomorrow morning.',
  user: 12345,
  at: now()
})

// BullMQ keeps no completed jobs, because its documentation recommends that for production.
class BullMQ {
  async open() {
    const { Queue } = require('bullmq')
    this.queue = new Queue('mail', { connection, defaultJobOptions: { removeOnComplete: true } })
    await this.queue.waitUntilReady()
  }

  enqueue() {
    return this.queue.add('mail', newMail())
  }

  async begin(started) {
    const { Worker } = require('bullmq')
    this.worker = new Worker('mail', async (job) => started(job.data.at), { connection, concurrency })
    await this.worker.waitUntilReady()
  }

  end() {
    return this.worker.close()
  }

  close() {
    return this.queue.close()
  }
}

// node-resque has a worker for each job that runs at a time.
class NodeResque {
  connection() {
    return { pkg: 'ioredis', host, port, database: 0, options: {} }
  }

  async open() {
    const { Queue } = require('node-resque')
    this.queue = new Queue({ connection: this.connection() }, {})
    await this.queue.connect()
  }

  enqueue() {
    return this.queue.enqueue('mail', 'mail', [newMail()])
  }

  async begin(started) {
    const { Worker } = require('node-resque')
    const jobs = { mail: { perform: async (mail) => started(mail.at) } }
    this.workers = []
    for (let i = 0; i < concurrency; i++) {
      const worker = new Worker({ connection: this.connection(), queues: ['mail'], name: `bench:${process.pid}+${i}` }, jobs)
      worker.on('error', (error) => fail(error))
      await worker.connect()
      this.workers.push(worker)
    }
    for (const worker of this.workers) worker.start()
  }

  async end() {
    await Promise.all(this.workers.map((worker) => worker.end()))
  }

  close() {
    return this.queue.end()
  }
}

const fail = (error) => {
  console.error(`${name}: ${error.stack}`)
  process.exit(1)
}

const parallel = async (callers, more, f) => {
  let n = 0
  const caller = async () => {
    while (more()) {
      await f()
      n++
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return n
}

const seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9
const measured = async (f) => {
  const cpu = process.cpuUsage()
  const [n, took] = await f()
  const used = process.cpuUsage(cpu)
  return `${n} ${took} ${(used.user + used.system) / 1e6}`
}

const contender = name === 'BullMQ' ? new BullMQ() : new NodeResque()

const execute = async (order, number, text) => {
  const duration = milliseconds(text)
  switch (order) {
    case 'open':
    case 'close':
      await contender[order]()
      return ''
    case 'fill': {
      let left = number
      await parallel(200, () => left-- > 0, () => contender.enqueue())
      return ''
    }
    case 'enqueue':
      return measured(async () => {
        const begun = process.hrtime.bigint()
        const n = await parallel(number, () => seconds(begun) * 1000 < duration, () => contender.enqueue())
        return [n, seconds(begun)]
      })
    case 'run':
      return measured(async () => {
        const begun = process.hrtime.bigint()
        await new Promise((resolve, reject) => {
          let runs = 0
          contender.begin(() => { if (++runs === number) resolve() }).catch(reject)
        })
        const took = seconds(begun)
        await contender.end()
        return [number, took]
      })
    case 'start': {
      let resolve
      const times = []
      await contender.begin((at) => resolve(now() - at))
      for (let i = 0; i < number; i++) {
        await sleep(duration)
        const took = new Promise((f) => { resolve = f })
        await contender.enqueue()
        times.push(await took)
      }
      await contender.end()
      times.sort((a, b) => a - b)
      return `${quantile(times, 0.5)} ${quantile(times, 0.99)}`
    }
    case 'idle':
      await contender.begin(() => {})
      await sleep(duration)
      await contender.end()
      return ''
  }
  throw new Error(`there is no order ${order}`)
}

const quantile = (sorted, q) => sorted[Math.min(Math.floor(q * sorted.length), sorted.length - 1)]

// milliseconds reads a duration of Go, for example 1m30.5s or 10ms.
const milliseconds = (text = '') => {
  const units = { h: 3600e3, m: 60e3, s: 1e3, ms: 1, 'µs': 1e-3 }
  let sum = 0
  for (const [, n, unit] of text.matchAll(/([\d.]+)(ms|µs|h|m|s)/g)) sum += Number(n) * units[unit]
  return sum
}

;(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [order, number, duration] = line.split(' ')
    console.log(await execute(order, Number(number), duration))
  }
  process.exit(0)
})().catch(fail)
