// SPDX-License-Identifier: MIT
// What the MCP tests share: a client of the real SDK that goes through the gate, cases that
// print a line each, and the server's counts. GATE and SERVER are addresses.
import { webcrypto } from 'node:crypto'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

globalThis.crypto ??= webcrypto // Debian's node 18 has it only on request

const GATE = process.env.GATE ?? 'http://127.0.0.1:8080'
const SERVER = process.env.SERVER ?? 'http://127.0.0.1:8787'
const WAIT_MS = 8000

// Each HTTP exchange of a transport, as it went: method, status, time.
export function traced(seen) {
  return async (url, init) => {
    const response = await fetch(url, init)
    seen.push({ method: init?.method ?? 'GET', status: response.status, headers: response.headers })
    return response
  }
}

export async function connect({ seen = [], onlog } = {}) {
  const transport = new StreamableHTTPClientTransport(new URL(GATE + '/mcp'), { fetch: traced(seen) })
  const client = new Client({ name: 'hatago-test', version: '1' }, { capabilities: {} })

  client.errors = []
  client.seen = seen
  client.onerror = error => client.errors.push(error)
  if (onlog) client.fallbackNotificationHandler = async message => onlog(message)
  await client.connect(transport)
  return client
}

export function call(client, name, args = {}, options) {
  return client.callTool({ name, arguments: args }, undefined, options)
}

export async function counts(method = 'GET') {
  return (await fetch(SERVER + '/counts', { method })).json()
}

export async function metrics() {
  // Straight at the server, where the tests themselves are tried.
  if (GATE === SERVER) return { concurrency: { current: 0 } }
  return (await fetch(GATE + '/metrics/concurrency')).json()
}

export async function until(predicate, what) {
  const deadline = Date.now() + WAIT_MS

  while (!(await predicate())) {
    if (Date.now() > deadline) throw new Error(`in vain for: ${what}`)
    await sleep(20)
  }
}

export function sleep(ms) {
  return new Promise(resolve => setTimeout(resolve, ms))
}

// The error that a promise is to be rejected with.
export async function rejection(promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it was to fail, and did not')
}

export async function run(cases) {
  let failed = 0

  for (const [name, work] of Object.entries(cases)) {
    const begun = Date.now()
    let why = ''

    try {
      await Promise.race([work(), sleep(30000).then(() => Promise.reject(new Error('it takes too long')))])
    } catch (error) {
      failed++
      why = `: ${error.message}`
    }
    console.log(`${why ? 'bad' : 'good'} ${name} (${Date.now() - begun} ms)${why}`)
  }
  process.exit(failed ? 1 : 0)
}
