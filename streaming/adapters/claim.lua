-- One batch of sessions, atomically: Bloom filters, claims, distinct users, place in the raw log.
--
-- KEYS  1 pointer that must hold ARGV[1]   2 offsets   3 session filter   4 user filter   5 HLL of all users
-- ARGV  1 generation   2 key prefix of session claims   3 of user claims   4 of HLLs
--       5 lines "partition committed upto"   6 records of 30 bytes: session digest 10, user digest 10,
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

local RECORD, CHUNK = 30, 4000 -- unpack() of more would overflow Lua's C stack
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

local high_half = {} -- of a byte, as a character
for value = 0, 255 do high_half[value] = char(value - value % 16) end

-- Whether `position` holds the claim of `digest`: bucket by its first 20 bits, field by its bytes 3 to 10.
local function holds(prefix, digest, position, is_fresh)
  local bucket, field = prefix .. sub(digest, 1, 2) .. high_half[byte(digest, 3)], sub(digest, 3, 10)
  if is_fresh ~= 1 then
    local holder = call('HGET', bucket, field)
    if holder then return holder == position end
  end
  call('HSET', bucket, field, position)
  return true
end

local digests, positions = {}, {}
for i = 1, n do
  local at = RECORD * (i - 1)
  digests[i], positions[i] = sub(records, at + 1, at + 10), sub(records, at + 21, at + 28)
end
local answers, valid, users, held = {}, {}, {}, 0
if n > 0 then
  local never_seen, prefix = fresh(KEYS[3], digests), ARGV[2]
  for i = 1, n do
    if holds(prefix, digests[i], positions[i], never_seen[i]) then
      local at = RECORD * (i - 1)
      held = held + 1
      valid[held], users[held] = i, sub(records, at + 11, at + 20)
    else
      answers[i] = 't'
    end
  end
end

if held > 0 then
  local never_seen, prefix = fresh(KEYS[4], users), ARGV[3]
  local new_users, by_place = {}, {}
  for v = 1, held do
    local i, user = valid[v], users[v]
    if holds(prefix, user, positions[i], never_seen[v]) then
      answers[i] = 'n'
      new_users[#new_users + 1] = user
    else
      answers[i] = 'k'
    end
    local high, low = byte(records, RECORD * i - 1, RECORD * i)
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
