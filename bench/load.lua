-- Sends the requests of the file REQUESTS, separated by NUL, over and over, and prints what came of them as JSON.
-- With FIELD the file holds refresh tokens: each goes into that field, and the token of the answer is used next.

local queue, first, last = {}, 1, 0
local field = os.getenv("FIELD")

local function push(entry)
  last = last + 1
  queue[last] = entry
end

function init()
  local file = assert(io.open(os.getenv("REQUESTS"), "rb"))
  for entry in file:read("*a"):gmatch("[^%z]+") do push(entry) end
  file:close()
end

function request()
  local entry = queue[first]
  queue[first] = nil
  first = first + 1
  if not field then
    push(entry)
    return entry
  end
  local body = '{"' .. field .. '":"' .. (entry or "") .. '"}'
  return wrk.format("POST", "/api/auth/refresh", { ["Content-Type"] = "application/json" }, body)
end

if field then
  function response(_, _, body)
    local token = body:match('"' .. field .. '"%s*:%s*"([^"]+)"')
    if token then push(token) end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nJSON {"requests": %d, "seconds": %.6f, "bytes": %d, "errors": %d, "p50": %.3f, "p99": %.3f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
