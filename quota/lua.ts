/** The ledger inside Redis: one script a step, on the keys of one hash slot. */

/** The time in ms, and the reading of a window's hash: its fields are `<bucket>|<session>`, and what is past goes. */
const COMMON = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function window(key, at)
  local w = { key = key, limit = tonumber(ARGV[at]), bucket = tonumber(ARGV[at + 1]), span = tonumber(ARGV[at + 2]),
    active = tonumber(ARGV[at + 3]), reserve = tonumber(ARGV[at + 4]), used = 0, rows = {}, shares = {} }
  w.current = math.floor(now / w.bucket)
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local bucket, session = string.match(fields[i], '^(%d+)|(.*)$')
    bucket = tonumber(bucket)
    if bucket < w.current - w.span then
      redis.call('HDEL', key, fields[i])
    else
      local count = tonumber(fields[i + 1])
      w.used = w.used + count
      w.shares[session] = (w.shares[session] or 0) + count
      w.rows[#w.rows + 1] = { bucket = bucket, session = session, count = count }
    end
  end
  table.sort(w.rows, function (a, b) return a.bucket < b.bucket end)
  return w
end

local function add(w, session, count)
  redis.call('HINCRBY', w.key, string.format('%d|', w.current) .. session, count)
  redis.call('PEXPIRE', w.key, w.bucket * (w.span + 2))
  w.used = w.used + count
end

local function ends(w, bucket)
  return (bucket + w.span + 1) * w.bucket
end
`

/**
 * KEYS: blocked, asked, then the windows. ARGV: session, background, unrecorded, then five of each window.
 * Answers granted, the wait in ms, the index of the window with the least left (0: none has a limit) and what is left.
 */
export const TAKE = `${COMMON}
local session, background, unrecorded = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])

local function gone(w, count, whose)
  local sum = 0
  for _, row in ipairs(w.rows) do
    if whose == nil or row.session == whose then sum = sum + row.count end
    if sum >= count then return ends(w, row.bucket) end
  end
  return math.huge
end

local asked = {}
local fields = redis.call('HGETALL', KEYS[2])
for i = 1, #fields, 2 do
  local at = tonumber(fields[i + 1])
  if at <= now - 3600000 then redis.call('HDEL', KEYS[2], fields[i]) else asked[fields[i]] = at end
end
if session ~= '' and not background then
  redis.call('HSET', KEYS[2], session, string.format('%d', now))
  redis.call('PEXPIRE', KEYS[2], 3600000)
end

local function wait(w)
  if w.limit < 0 then return 0 end
  local most = w.limit - 1
  if background then most = most - w.reserve end
  if most < 0 then return w.bucket * (w.span + 1) end
  if w.used > most then return gone(w, w.used - most) - now end
  if session == '' or w.used * 2 <= w.limit then return 0 end
  local active = 1
  for other, at in pairs(asked) do
    if other ~= session and at > now - w.active then active = active + 1 end
  end
  local share = math.ceil(w.limit / active)
  local mine = w.shares[session] or 0
  if mine < share then return 0 end
  local last = nil
  for other, at in pairs(asked) do
    if other ~= session and at > now - w.active and (w.shares[other] or 0) < share then
      last = math.max(last or 0, at + w.active)
    end
  end
  if last == nil then return 0 end
  return math.min(last, gone(w, mine - share + 1, session), gone(w, w.used - math.floor(w.limit / 2))) - now
end

local pause = math.max(0, redis.call('PTTL', KEYS[1]))
local blocked = pause > 0
local windows = {}
for i = 3, #KEYS do
  local w = window(KEYS[i], 4 + (i - 3) * 5)
  if unrecorded > 0 then
    add(w, '', unrecorded)
    w.rows[#w.rows + 1] = { bucket = w.current, session = '', count = unrecorded }
  end
  windows[#windows + 1] = w
  pause = math.max(pause, wait(w))
end
local tight, least = 0, 0
for i, w in ipairs(windows) do
  if pause <= 0 then
    local whose = session
    if w.limit < 0 then whose = '' end
    add(w, whose, 1)
  end
  if w.limit >= 0 then
    local left = math.max(0, w.limit - w.used)
    if blocked then left = 0 end
    if tight == 0 or left <= least then tight, least = i, left end
  end
end
return { pause <= 0 and 1 or 0, math.ceil(pause), tight, least }
`

/** KEYS: the window. ARGV: used, then five of the window. */
export const RAISE = `${COMMON}
local w = window(KEYS[1], 2)
local missing = tonumber(ARGV[1]) - w.used
if missing > 0 then add(w, '', missing) end
`

/** KEYS: blocked. ARGV: ms. */
export const BLOCK = `
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end
`

/**
 * KEYS: blocked, then the windows. ARGV: five of each window. Answers ms blocked, then of each window what is used and
 * in how many ms the first of it is free (-1: never).
 */
export const READ = `${COMMON}
local answer = { math.max(0, redis.call('PTTL', KEYS[1])) }
for i = 2, #KEYS do
  local w = window(KEYS[i], 1 + (i - 2) * 5)
  answer[#answer + 1] = w.used
  answer[#answer + 1] = w.rows[1] and ends(w, w.rows[1].bucket) - now or -1
end
return answer
`
