// SPDX-License-Identifier: MIT
// @modelcontextprotocol/server-everything over streamable HTTP, on $PORT, and a count of
// what reaches it: GET /counts tells how many tools/call ran at once at most, and how many
// came of each kind. A call runs from its request to the bytes of its JSON-RPC response, or
// until it is cancelled: the SDK's server leaves the stream of such a call open and silent.
import { webcrypto } from 'node:crypto'
import http from 'node:http'

const counts = { running: 0, peak: 0, calls: 0, GET: 0, POST: 0, DELETE: 0, cancelled: 0 }
const ends = new Map() // of running calls, by session and id
const RESPONSE = /"(result|error)":/

function countCall(key, response) {
  const end = () => {
    if (ends.get(key) !== end) return
    ends.delete(key)
    counts.running--
  }

  ends.set(key, end)
  counts.calls++
  counts.peak = Math.max(counts.peak, ++counts.running)
  for (const name of ['write', 'end']) {
    const original = response[name]
    response[name] = function (data, ...rest) {
      if (data && RESPONSE.test(Buffer.from(data).toString())) end()
      return original.call(this, data, ...rest)
    }
  }
  response.on('close', end)
}

// Looks at the body beside whoever reads it.
function look(request, response) {
  const original = request.push
  const keyOf = id => `${request.headers['mcp-session-id']} ${JSON.stringify(id)}`
  let text = ''

  counts[request.method]++
  request.push = function (chunk, ...rest) {
    if (chunk) text += chunk
    else if (text.includes('"tools/call"')) countCall(keyOf(JSON.parse(text).id), response)
    else if (text.includes('"notifications/cancelled"')) {
      counts.cancelled++
      ends.get(keyOf(JSON.parse(text).params.requestId))?.()
    }
    return original.call(this, chunk, ...rest)
  }
}

const emit = http.Server.prototype.emit
http.Server.prototype.emit = function (event, request, response) {
  if (event === 'request') {
    if (request.url === '/counts') {
      response.end(JSON.stringify(counts))
      if (request.method === 'POST') counts.peak = counts.running
      return true
    }
    look(request, response)
  }
  return emit.apply(this, arguments)
}
globalThis.crypto ??= webcrypto // Debian's node 18 has it only on request
console.log = () => {}
process.argv[2] = 'streamableHttp'
await import('@modelcontextprotocol/server-everything/dist/index.js')
