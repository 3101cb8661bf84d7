// SPDX-License-Identifier: MIT
// A whole life of a session through the gate, with limits that it never meets but for
// maxConcurrent 5: the client and the server are not to notice that there is a gate.
import assert from 'node:assert/strict'
import { call, connect, counts, metrics, rejection, run, sleep, until } from './common.mjs'

const AT_ONCE = 50
const CLIENTS = 20
const MAX_CONCURRENT = 5

const logs = []
const client = await connect({ onlog: message => logs.push(message) })

await run({
  async initialize() {
    assert.match(client.getServerVersion().name, /everything/)
    assert.ok(client.transport.sessionId, 'no session')
    await client.ping()
  },

  async lists() {
    const { tools } = await client.listTools()
    assert.ok(tools.some(tool => tool.name === 'echo'))
    assert.ok((await client.listPrompts()).prompts.length)
    assert.ok((await client.listResources()).resources.length)
  },

  async call_of_echo() {
    const { content } = await call(client, 'echo', { message: 'through the gate \u4e2d' })
    assert.match(content[0].text, /through the gate \u4e2d/)
  },

  async large_answers_and_arguments() {
    const message = 'x'.repeat(90000)
    const { content } = await call(client, 'echo', { message })
    assert.ok(content[0].text.includes(message))
  },

  async error_of_a_tool_stays_one() {
    const result = await call(client, 'get-sum', { a: 'no number', b: 1 }).catch(error => ({ isError: true, error }))
    assert.ok(result.isError)
  },

  async progress() {
    const at = []
    const begun = Date.now()
    const { content } = await call(client, 'trigger-long-running-operation', { duration: 1, steps: 5 },
      { onprogress: () => at.push(Date.now() - begun) })
    assert.match(content[0].text, /completed/)
    assert.equal(at.length, 5)
    assert.ok(at[0] < 450 && at[4] - at[0] > 600, `they come when they happen: ${at}`)
  },

  async get_stream() {
    await until(() => client.seen.some(one => one.method === 'GET'), 'a GET')
    assert.equal(client.seen.find(one => one.method === 'GET').status, 200)
    await call(client, 'toggle-simulated-logging')
    await until(() => logs.some(one => one.method === 'notifications/message'), 'a message on the stream')
    await call(client, 'toggle-simulated-logging')
    assert.equal((await metrics()).concurrency.current, 0, 'the stream holds a permit')
  },

  async cancel() {
    const abort = new AbortController()
    const before = (await counts()).cancelled
    const promise = call(client, 'trigger-long-running-operation', { duration: 1, steps: 2 }, { signal: abort.signal })
    await sleep(200)
    abort.abort('enough')
    await rejection(promise)
    await until(async () => (await counts()).cancelled === before + 1, 'the notification')
    await call(client, 'echo', { message: 'afterwards' })
  },

  async fifty_at_once() {
    await until(async () => (await counts()).running === 0, 'the end of what was cancelled')
    await counts('POST')
    const before = await counts()
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) =>
      call(client, 'trigger-long-running-operation', { duration: 0.05, steps: 1 }).then(() => i)))
    const after = await counts()
    assert.equal(answers.length, AT_ONCE)
    assert.equal(after.calls - before.calls, AT_ONCE)
    assert.ok(after.peak <= MAX_CONCURRENT, `${after.peak} at once`)
    assert.ok(after.peak > 1, 'one after the other')
  },

  async twenty_clients() {
    await counts('POST')
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect()))
    const answers = await Promise.all(clients.map((one, i) => call(one, 'echo', { message: `client ${i}.` })))
    answers.forEach(({ content }, i) => assert.ok(content[0].text.includes(`client ${i}.`), 'an answer of another'))
    assert.ok((await counts()).peak <= MAX_CONCURRENT)
    await Promise.all(clients.map(one => one.close()))
  },

  async end_of_the_session() {
    const old = client.transport.sessionId
    await client.transport.terminateSession()
    assert.ok((await counts()).DELETE >= 1)
    assert.equal(client.transport.sessionId, undefined)
    assert.ok(old)
    await client.close()
    await until(async () => (await metrics()).concurrency.current === 0, 'all permits')
    assert.deepEqual(client.errors.filter(error => !/abort|cancel/i.test(String(error))).map(String), [])
  },
})
