-- Removes the segments before a new lowest one from use; their keys are deleted afterwards, in chunks.
--
-- KEYS  1 pointer that must contain ARGV[1]   2 segments   3 dropping
-- ARGV  1 generation   2 the new lowest segment
-- Returns all segments whose keys must be deleted, also those whose deletion was interrupted before.
local call = redis.call
if call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('OUTOFSTEP another generation') end
local lowest = tonumber(call('HGET', KEYS[2], 'lowest'))
if not lowest then return redis.error_reply('OUTOFSTEP the segments are missing') end
if lowest < tonumber(ARGV[2]) then
  for _, segment in ipairs(call('HKEYS', KEYS[2])) do
    if segment ~= 'lowest' and tonumber(segment) < tonumber(ARGV[2]) then
      call('HDEL', KEYS[2], segment)
      call('SADD', KEYS[3], segment)
    end
  end
  call('HSET', KEYS[2], 'lowest', ARGV[2])
end
return call('SMEMBERS', KEYS[3])
