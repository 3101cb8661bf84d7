// SPDX-License-Identifier: MIT
// What the SDK's client sees when it is refused: burst 2 and no more tokens, one call at
// once and no queue. STYLE is status (429, 503: the client reads no body of those) or inband
// (200 with the JSON-RPC error, which reaches the caller whole).
import assert from 'node:assert/strict'
import { call, connect, counts, rejection, run, until } from './common.mjs'

const inband = process.env.STYLE === 'inband'
const slow = { duration: 1, steps: 1 }

// The session's own requests: initialize is in the budget of handshakes.
const client = await connect()
await until(() => client.seen.some(one => one.method === 'GET'), 'the stream')

function sees(error, status, type, message) {
  if (inband) {
    assert.equal(error.code, -32000, String(error))
    assert.match(error.message, message)
    assert.equal(error.data?.type, type)
  } else {
    assert.equal(error.code, status, String(error))
    assert.match(error.message, new RegExp(type))
  }
}

await run({
  async handshakes_pass() {
    assert.ok((await client.listTools()).tools.length)
  },

  async overload() {
    const before = await counts()
    const running = call(client, 'trigger-long-running-operation', slow)
    await until(async () => (await counts()).running === before.running + 1, 'a call that runs')
    sees(await rejection(call(client, 'echo', { message: 'no' })), 503, 'concurrency_limit', /Server overloaded/)
    assert.match((await running).content[0].text, /completed/)
    assert.equal((await counts()).calls, before.calls + 1, 'the refused one reached the server')
  },

  async rate_limit() {
    let error

    for (let i = 0; i < 3 && !error; i++)
      await call(client, 'echo', { message: 'until it is empty' }).catch(e => { error = e })
    sees(error, 429, 'rate_limit', /Rate limit exceeded/)
    const refused = client.seen.filter(one => one.method === 'POST').at(-1)
    assert.equal(refused.status, inband ? 200 : 429)
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
  },

  async the_session_goes_on() {
    await client.ping()
    const seen = []
    const another = await connect({ seen })
    assert.ok((await another.listTools()).tools.length)
    assert.ok(!seen.some(one => [400, 404, 405].includes(one.status)), 'a status that a client misreads')
    await another.close()
    await client.transport.terminateSession()
    await client.close()
  },
})
