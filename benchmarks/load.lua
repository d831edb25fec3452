-- The script for wrk: wrk -s load.lua URL -- METHOD TOKENS REQUESTS PREFIX
-- A line of REQUESTS is user, path, key and body, separated by tabs. If the key is empty, each
-- request gets a new one. TOKENS has one JWT per line, in the order of the users. A tab and the host
-- of the user's ledger may follow it. If METHOD is HOLD, the requests are POSTs that place holds, and
-- each hold is voided by the request after it.

local requests, turn, serial = {}, 0, 0
local method, prefix
local held

local function lines_of(path)
   local lines = {}
   for line in io.lines(path) do lines[#lines + 1] = line end
   return lines
end

function init(args)
   local tokens = lines_of(args[2])
   method, prefix = args[1], args[4]
   if method == "HOLD" then
      method, response = "POST", remember
   end
   for _, line in ipairs(lines_of(args[3])) do
      local user, path, key, body = line:match("^(%d+)\t([^\t]*)\t([^\t]*)\t(.*)$")
      local token, host = tokens[tonumber(user) + 1]:match("^([^\t]*)\t?(.*)$")
      requests[#requests + 1] = {
         path = path,
         fresh = method ~= "GET" and key == "",
         body = body ~= "" and body or nil,
         headers = {
            ["Host"] = host ~= "" and host or nil,
            ["Authorization"] = "Bearer " .. token,
            ["Content-Type"] = body ~= "" and "application/json" or nil,
            ["Idempotency-Key"] = key ~= "" and key or nil,
         },
      }
   end
end

-- Only used on one connection, where each response belongs to the last request.
function remember(status, headers, body)
   held = body:match('"kind":"HOLD"') and body:match('"id":"([^"]+)"')
end

function request()
   turn = turn % #requests + 1
   local next = requests[turn]
   if held then
      next = {path = "/transfers/" .. held .. "/void", headers = next.headers, body = "{}", fresh = true}
      held = nil
   end
   if next.fresh then
      serial = serial + 1
      next.headers["Idempotency-Key"] = prefix .. serial
   end
   return wrk.format(method, next.path, next.headers, next.body)
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "not_2xx": %d, "lost": %d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout))
end
