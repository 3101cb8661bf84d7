-- SPDX-License-Identifier: MIT
-- For bench-gate.sh: with BENCH_METHOD=POST a small JSON-RPC call instead of a GET, and at
-- the end one line for the script: requests answered, those with an error status, and
-- connections that failed.
if os.getenv("BENCH_METHOD") == "POST" then
	wrk.method = "POST"
	wrk.body = '{"jsonrpc":"2.0","id":1,"method":"tools/call",' ..
		'"params":{"name":"echo","arguments":{"n":42}}}'
	wrk.headers["Content-Type"] = "application/json"
	wrk.headers["Accept"] = "application/json, text/event-stream"
end

function done(summary)
	local failed = summary.errors

	io.write(string.format("RESULT %d %d %d\n", summary.requests, failed.status,
		failed.connect + failed.read + failed.write + failed.timeout))
end
