-- One batch of sessions, atomically: Bloom filters, claims, distinct users, place in the raw log.
--
-- KEYS  1 pointer that must hold ARGV[1]   2 offsets   3 session filter   4 user filter   5 HLL of all users
-- ARGV  1 generation   2 key prefix of session claims   3 of user claims   4 of HLLs
--       5 lines "partition committed upto"   6 records of 42 bytes: session digest 16, user digest 16,
--       raw position 8, place 2   7… four cuts for each place
-- Gives one byte for each record: t(aken), n(ew user), k(nown user).
--
-- A filter is filled before the claims it stands for: if the server dies between, a "maybe" finds no claim and is
-- as good as "never seen"; the other way round a claim would be overwritten.
local sub, byte, char, call = string.sub, string.byte, string.char, redis.call
local generation, records = ARGV[1], ARGV[6]
if call('GET', KEYS[1]) ~= generation then return redis.error_reply('OUTOFSTEP another generation') end
if call('EXISTS', KEYS[3], KEYS[4]) ~= 2 then return redis.error_reply('OUTOFSTEP a filter is missing') end
for partition, committed in string.gmatch(ARGV[5], '(%d+) (%d+) %d+') do
  local recorded = call('HGET', KEYS[2], partition) or '0'
  if tonumber(recorded) < tonumber(committed) then
    return redis.error_reply('OUTOFSTEP partition ' .. partition .. ' is behind the log')
  end
end

local RECORD, CHUNK = 42, 4000 -- unpack() of more would overflow Lua's C stack
local n = #records / RECORD

local function fresh(filter, digests) -- 1 where the filter is sure to see the digest for the first time
  local answers = {}
  for from = 1, #digests, CHUNK do
    local reply = call('BF.INSERT', filter, 'NOCREATE', 'ITEMS',
      unpack(digests, from, math.min(from + CHUNK - 1, #digests)))
    for i = 1, #reply do answers[from + i - 1] = reply[i] end
  end
  return answers
end

-- Whether `position` holds the claim of `digest`: bucket by its first 20 bits, field by the next 64 whole bytes.
local function holds(prefix, digest, position, is_fresh)
  local third = byte(digest, 3)
  local bucket, field = prefix .. sub(digest, 1, 2) .. char(third - third % 16), sub(digest, 3, 10)
  if is_fresh ~= 1 then
    local holder = call('HGET', bucket, field)
    if holder then return holder == position end
  end
  call('HSET', bucket, field, position)
  return true
end

local digests = {}
for i = 1, n do digests[i] = sub(records, RECORD * (i - 1) + 1, RECORD * (i - 1) + 16) end
local answers, valid, users = {}, {}, {}
if n > 0 then
  local never_seen = fresh(KEYS[3], digests)
  for i = 1, n do
    local at = RECORD * (i - 1)
    if holds(ARGV[2], digests[i], sub(records, at + 33, at + 40), never_seen[i]) then
      valid[#valid + 1] = i
      users[#users + 1] = sub(records, at + 17, at + 32)
    else
      answers[i] = 't'
    end
  end
end

if #valid > 0 then
  local never_seen = fresh(KEYS[4], users)
  local new_users, by_place = {}, {}
  for v = 1, #valid do
    local i, user = valid[v], users[v]
    local at = RECORD * (i - 1)
    if holds(ARGV[3], user, sub(records, at + 33, at + 40), never_seen[v]) then
      answers[i] = 'n'
      new_users[#new_users + 1] = user
    else
      answers[i] = 'k'
    end
    local high, low = byte(records, at + 41, at + 42)
    local place = high * 256 + low
    local there = by_place[place]
    if there then there[#there + 1] = user else by_place[place] = {user} end
  end
  local function count(key, members)
    for from = 1, #members, CHUNK do
      call('PFADD', key, unpack(members, from, math.min(from + CHUNK - 1, #members)))
    end
  end
  count(KEYS[5], new_users)
  for place, members in pairs(by_place) do
    for cut = 0, 3 do count(ARGV[4] .. ARGV[7 + 4 * place + cut], members) end
  end
end

for partition, upto in string.gmatch(ARGV[5], '(%d+) %d+ (%d+)') do
  local recorded = call('HGET', KEYS[2], partition) or '0'
  if tonumber(recorded) < tonumber(upto) then call('HSET', KEYS[2], partition, upto) end
end
return table.concat(answers)
