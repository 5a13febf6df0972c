-- Processes one batch of sessions atomically: Bloom filters, claims, feeds, distinct users, offsets of the raw log.
--
-- KEYS and ARGV are claim_script.ClaimKeys and ClaimArguments, with the same names in the same order, and described
-- there. After them in ARGV come for each origin: segment, feed ('' if live), arrival in ms, '1' if the session is old;
-- then for each breakdown: counter of the day (or ''), of the hour (or ''), expiry of the hour's and the day's in ms.
-- Returns one byte for each record: t(aken), b(eyond the horizon), m(any imports: its own is one too many), n(ew user),
-- k(nown user); in a rebuild also
-- o(ld: no message can see its claim, it was only counted). claim_script.answers decodes them.
--
-- A filter is written before its claims: if the server dies in between, the filter answers "maybe", no claim is found,
-- and the session counts as new; in the other order a claim could be overwritten. All checks come before all writes.
local sub, byte, char, call, tonumber = string.sub, string.byte, string.char, redis.call, tonumber
local pointer, offsets, segments, counted, feeds = unpack(KEYS)
local generation, own_prefix, counters_prefix, reach, horizon_ms, session_capacity, session_error_rate,
  user_capacity, user_error_rate, bucket_bits, building, spans, records, counter_keys, origin_count, imports_max = unpack(ARGV, 1, 16)
local own, ORIGINS = own_prefix, 17 -- the index in ARGV at which the origins begin
reach, horizon_ms, building = tonumber(reach), tonumber(horizon_ms), building == '1'
if call('GET', pointer) ~= generation then return redis.error_reply('OUTOFSTEP another generation') end

local known, filters, lowest = {}, {}, nil -- known: the existing segments
local held = call('HKEYS', segments)
for i = 1, #held do
  if held[i] == 'lowest' then
    lowest = tonumber(call('HGET', segments, 'lowest'))
  else
    known[tonumber(held[i])] = true
    filters[#filters + 1] = own .. 'sessions:' .. held[i]
    filters[#filters + 1] = own .. 'users:' .. held[i]
  end
end
if not lowest then return redis.error_reply('OUTOFSTEP the segments are missing') end
if #filters > 0 and call('EXISTS', unpack(filters)) ~= #filters then
  return redis.error_reply('OUTOFSTEP a filter is missing')
end
for partition, committed in string.gmatch(spans, '(%d+) (%d+) %d+ %d+') do
  local recorded = call('HGET', offsets, partition) or '0'
  if tonumber(recorded) < tonumber(committed) then
    return redis.error_reply('OUTOFSTEP partition ' .. partition .. ' is behind the log')
  end
end

local RECORD, CHUNK = 32, 4000 -- unpack() of more would overflow Lua's C stack
local n, origins = #records / RECORD, tonumber(origin_count)

-- The segment of each origin's claims: false if no message can see them any more (then they are only counted).
local segment_of, moved, first_of, is_beyond, is_one_too_many = {}, {}, {}, {}, {}
local imports = call('HLEN', feeds)
imports_max = tonumber(imports_max)
for o = 0, origins - 1 do
  local at = ORIGINS + 4 * o
  local segment, feed, arrived = tonumber(ARGV[at]), ARGV[at + 1], tonumber(ARGV[at + 2])
  if building then
    segment = segment >= lowest and segment
  else
    moved[o] = segment < lowest + reach
    segment = math.max(segment, lowest + reach)
  end
  if segment and not known[segment] then
    call('BF.RESERVE', own .. 'sessions:' .. segment, session_error_rate, session_capacity, 'EXPANSION', 2)
    call('BF.RESERVE', own .. 'users:' .. segment, user_error_rate, user_capacity, 'EXPANSION', 2)
    call('HSET', segments, segment, 1)
    known[segment] = true
  end
  segment_of[o] = segment
  if feed ~= '' then
    local first = first_of[feed] or tonumber(call('HGET', feeds, feed))
    is_one_too_many[o] = not (first or building) and imports >= imports_max
    if not is_one_too_many[o] then
      if not first then imports = imports + 1 end
      if not first or arrived < first then
        call('HSET', feeds, feed, ARGV[at + 2])
        first = arrived
      end
      first_of[feed] = first
    end
  end
end
for o = 0, origins - 1 do
  local at = ORIGINS + 4 * o
  is_beyond[o] = not building and not is_one_too_many[o] and ARGV[at + 3] == '1' and tonumber(ARGV[at + 2]) - first_of[ARGV[at + 1]] > horizon_ms
end

local unpack_record = struct.unpack
local digest_of, user_of, position_of, counter_key_of, origin_of, segment_at = {}, {}, {}, {}, {}, {}
for i = 1, n do
  digest_of[i], user_of[i], position_of[i], counter_key_of[i], origin_of[i] =
    unpack_record('>c10c10c8HH', records, RECORD * (i - 1) + 1)
  segment_at[i] = segment_of[origin_of[i]]
end

-- Groups the records `at` by segment: the digests and indices of each.
local function grouped(at, digests)
  local groups = {}
  for m = 1, #at do
    local i = at[m]
    local group = groups[segment_at[i]]
    if not group then
      group = {digests = {}, at = {}}
      groups[segment_at[i]] = group
    end
    local last = #group.at + 1
    group.digests[last], group.at[last] = digests[i], i
  end
  return groups
end

-- Adds the digests to the filters of their own segments; returns which of them these filters certainly did not contain.
local function fill(kind, at, digests)
  local is_fresh = {}
  for segment, group in pairs(grouped(at, digests)) do
    for from = 1, #group.at, CHUNK do
      local reply = call('BF.INSERT', own .. kind .. segment, 'NOCREATE', 'ITEMS',
        unpack(group.digests, from, math.min(from + CHUNK - 1, #group.at)))
      for i = 1, #reply do is_fresh[group.at[from + i - 1]] = reply[i] == 1 end
    end
  end
  return is_fresh
end

-- Returns for each record the segments, other than its own, that it sees and that may contain its digest (nil: none).
local function elsewhere(kind, at, digests)
  local maybe = {}
  for segment, group in pairs(grouped(at, digests)) do
    for other in pairs(known) do
      if other ~= segment and math.abs(other - segment) <= reach then
        for from = 1, #group.at, CHUNK do
          local reply = call('BF.MEXISTS', own .. kind .. other,
            unpack(group.digests, from, math.min(from + CHUNK - 1, #group.at)))
          for i = 1, #reply do
            if reply[i] == 1 then
              local there = maybe[group.at[from + i - 1]]
              if there then there[#there + 1] = other else maybe[group.at[from + i - 1]] = {other} end
            end
          end
        end
      end
    end
  end
  return maybe
end

local bits = tonumber(bucket_bits)
local whole, masked = math.floor(bits / 8), {} -- masked: the leading bits of a byte that belong to the bucket
for value = 0, 255 do masked[value] = char(value - value % 2 ^ (8 - bits % 8)) end
local prefixes = {['s:'] = {}, ['u:'] = {}} -- prefixes of buckets, by kind and segment
for segment in pairs(known) do
  for kind, prefix in pairs(prefixes) do prefix[segment] = own .. kind .. segment .. ':' end
end
local function bucket(kind, segment, digest)
  local prefix = prefixes[kind][segment]
  if bits % 8 == 0 then return prefix .. sub(digest, 1, whole) end
  return prefix .. sub(digest, 1, whole) .. masked[byte(digest, whole + 1)]
end
local function field(digest) return sub(digest, whole + 1, 10) end

local function holder_in(segment, kind, digest) return call('HGET', bucket(kind, segment, digest), field(digest)) end
local function write(kind, i, digest, value) call('HSET', bucket(kind, segment_at[i], digest), field(digest), value) end

-- Returns a function that returns which message has the claim on record i's digest, among the claims that the record
-- sees, and whether the claim is in its own segment. If it is there, as for most users, it reads no other segment.
local function claims(filters, kind, at, digests)
  local is_fresh, mine, rest = fill(filters, at, digests), {}, {}
  for m = 1, #at do
    local i = at[m]
    mine[i] = not is_fresh[i] and holder_in(segment_at[i], kind, digests[i])
    if not mine[i] then rest[#rest + 1] = i end
  end
  local maybe = elsewhere(filters, rest, digests)
  return function(i)
    -- Read again, because an earlier record of the batch may have claimed it meanwhile.
    local holder = mine[i] or not is_fresh[i] and holder_in(segment_at[i], kind, digests[i])
    if holder or not maybe[i] then return holder, holder end
    -- The record's own claim can only be in its own segment, unless the record was moved to another segment.
    for _, segment in ipairs(maybe[i]) do
      holder = holder_in(segment, kind, digests[i]) or holder
      if holder and (not moved[origin_of[i]] or holder == position_of[i]) then break end
    end
    return holder, false
  end
end

local requested, answers, valid = {}, {}, {}
for i = 1, n do
  if segment_at[i] then
    requested[#requested + 1] = i
  else
    answers[i] = 'o'
    valid[#valid + 1] = i
  end
end
if #requested > 0 then
  local holding, holder_of = {}, claims('sessions:', 's:', requested, digest_of)
  for m = 1, #requested do
    local i = requested[m]
    local holder, position = holder_of(i), position_of[i]
    if holder == position then
      -- Even beyond the horizon: it was claimed when a later first arrival of its feed was known, and keeps its answer.
      holding[#holding + 1] = i
    elseif is_one_too_many[origin_of[i]] then
      answers[i] = 'm'
    elseif is_beyond[origin_of[i]] then
      answers[i] = 'b'
    elseif holder then
      answers[i] = 't'
    else
      write('s:', i, digest_of[i], position)
      holding[#holding + 1] = i
    end
  end
  if #holding > 0 then holder_of = claims('users:', 'u:', holding, user_of) end
  for h = 1, #holding do
    local i = holding[h]
    local holder, is_here = holder_of(i)
    local position = position_of[i]
    if not holder then
      write('u:', i, user_of[i], position)
    elseif not is_here and holder ~= position then
      -- Renews the claim, so that the user is known for another horizon. The first bit of a position is 0; here it is
      -- set to 1, which means that the user was known before.
      write('u:', i, user_of[i], char(byte(position) + 128) .. sub(position, 2))
    end
    answers[i] = (not holder or holder == position) and 'n' or 'k'
    valid[#valid + 1] = i
  end
end

if #valid > 0 then
  local function count(key, members)
    local changed = 0
    for from = 1, #members, CHUNK do
      changed = changed
        + call('PFADD', key, unpack(members, from, math.min(from + CHUNK - 1, #members)))
    end
    return changed > 0
  end
  local newcomers, by_breakdown, breakdowns_of = {}, {}, {}
  for key = 0, #counter_keys / 16 - 1 do
    local breakdowns = {unpack_record('>I4I4I4I4', counter_keys, 16 * key + 1)}
    for c = 1, 4 do
      local breakdown = breakdowns[c]
      by_breakdown[breakdown] = by_breakdown[breakdown] or {}
      breakdowns[c] = by_breakdown[breakdown]
    end
    breakdowns_of[key] = breakdowns
  end
  for v = 1, #valid do
    local i = valid[v]
    local user, breakdowns = user_of[i], breakdowns_of[counter_key_of[i]]
    if answers[i] ~= 'k' then newcomers[#newcomers + 1] = user end
    for c = 1, 4 do
      local members = breakdowns[c]
      members[#members + 1] = user
    end
  end
  if #newcomers > 0 then count(counters_prefix .. 'all', newcomers) end
  for breakdown, members in pairs(by_breakdown) do
    local at = ORIGINS + 4 * origins + 4 * breakdown
    local day, hour, is_news = ARGV[at], ARGV[at + 1], ARGV[at] ~= ''
    if hour ~= '' then
      -- The day's counter contains all its hours: if the hour's counter does not change, neither does the day's.
      is_news = count(counters_prefix .. hour, members)
      if is_news then call('PEXPIREAT', counters_prefix .. hour, ARGV[at + 2]) end
    end
    if is_news and count(counters_prefix .. day, members) then
      call('PEXPIREAT', counters_prefix .. day, ARGV[at + 3])
    end
  end
end

for partition, upto, arrived in string.gmatch(spans, '(%d+) %d+ (%d+) (%d+)') do
  local recorded = call('HGET', offsets, partition) or '0'
  if tonumber(recorded) < tonumber(upto) then call('HSET', offsets, partition, upto) end
  recorded = call('HGET', counted, partition) or '0'
  if tonumber(recorded) < tonumber(arrived) then call('HSET', counted, partition, arrived) end
end
return table.concat(answers)
