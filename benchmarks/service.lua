-- For wrk: posts the lines of the file in the variable BODIES in turn; prints JSON at the end.
local bodies = {}
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
local headers = { ["Content-Type"] = "application/json" }
local turn = 0

function request()
  turn = turn % #bodies + 1
  return wrk.format("POST", "/predict", headers, bodies[turn])
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '\n{"seconds": %.6f, "requests": %d, "errors": %d, "p50": %.6f, "p99": %.6f}\n',
    summary.duration / 1e6, summary.requests,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end
