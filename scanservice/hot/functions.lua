#!lua name=onemark_scan_v2
-- State and log of one partition change together here, or not at all. The layout of a state is described in state.py;
-- whoever changes it gives this library, its functions and the tests a new version in their names.
-- Numbers are compared, never strings: Lua compares strings by the server's locale.

local VISITORS_MAX = 6
local HEADER_BYTES = 9
local SLOT_BYTES = 15
local HEADER = '>BI4I4'
local SLOT = '>I4I5I3I3'
local FLAG_STAFF = 1

local function earlier(a, b)
  if a.first ~= b.first then
    return a.first < b.first
  end
  return a.visitor < b.visitor
end

-- Adds a slot to a list, or widens the slot the visitor already has.
local function place(slots, visitor, whence, first, last)
  for i = 1, #slots do
    local slot = slots[i]
    if slot.visitor == visitor then
      if first < slot.first then
        slot.first = first
      end
      if last > slot.last or (last == slot.last and whence > slot.whence) then
        slot.last = last
        slot.whence = whence
      end
      return
    end
  end
  slots[#slots + 1] = { visitor = visitor, whence = whence, first = first, last = last }
end

local function place_all(slots, packed)
  for at = HEADER_BYTES + 1, #packed, SLOT_BYTES do
    local visitor, whence, first, last = struct.unpack(SLOT, packed, at)
    place(slots, visitor, whence, first, last)
  end
end

local function pack(flags, first, last, slots)
  if #slots > 1 then
    table.sort(slots, earlier)
  end
  local parts = { struct.pack(HEADER, flags, first, last) }
  for i = 1, math.min(#slots, VISITORS_MAX) do
    local slot = slots[i]
    parts[i + 1] = struct.pack(SLOT, slot.visitor, slot.whence, slot.first, slot.last)
  end
  return table.concat(parts)
end

local function merge(one, other)
  local flags, first, last = struct.unpack(HEADER, one)
  local flags2, first2, last2 = struct.unpack(HEADER, other)
  local slots = {}
  place_all(slots, one)
  place_all(slots, other)
  return pack(bit.bor(flags, flags2), math.min(first, first2), math.max(last, last2), slots)
end

-- What a scan in this mode ('s' seen, 'c' confirmed, 't' staff) makes of the state before it.
local function touch(before, mode, at, visitor, whence)
  local flags, first, last = 0, at, at
  if before then
    flags, first, last = struct.unpack(HEADER, before)
    first = math.min(first, at)
    last = math.max(last, at)
  end
  if mode == 't' then
    flags = bit.bor(flags, FLAG_STAFF)
  end
  local header = struct.pack(HEADER, flags, first, last)
  if mode ~= 'c' then
    return before and header .. string.sub(before, HEADER_BYTES + 1) or header
  end
  local minute = struct.pack('>I3', math.floor(at / 60))
  local slot = visitor .. whence .. minute .. minute
  if not before or #before == HEADER_BYTES then
    return header .. slot
  end
  return merge(before, header .. slot)
end

-- nil when the caller may write, else the refusal. A caller with an old catalogue is sent back before anything is logged.
local function refusal(meta, log, generation, catalogue, entries_max)
  local known = redis.call('HMGET', meta, 'g', 'c')
  if known[1] ~= generation then
    return redis.error_reply('GENERATION this partition is of generation ' .. (known[1] or 'none'))
  end
  if known[2] and known[2] ~= catalogue and tonumber(known[2]) > tonumber(catalogue) then
    return redis.error_reply('STALE ' .. known[2])
  end
  if redis.call('XLEN', log) >= tonumber(entries_max) then
    return redis.error_reply('FULL the scan log of this partition is full')
  end
  return nil
end

-- KEYS meta log bucket [done]; ARGV generation catalogue entries_max field mode at visitor whence entry [done_s]
-- Answer: the time that counted (u32) and the state before. A scan id that was done gets the answer it had, and no new entry.
local function scan(keys, args)
  local done = keys[4]
  local refused = refusal(keys[1], keys[2], args[1], args[2], args[3])
  if refused then
    return refused
  end
  if done then
    local answered = redis.call('GET', done)
    if answered then
      return answered
    end
  end
  local at = tonumber(args[6])
  local before = redis.call('HGET', keys[3], args[4])
  redis.call('XADD', keys[2], args[1] .. '-*', 'e', args[9], 's', before or '')
  redis.call('HSET', keys[3], args[4], touch(before, args[5], at, args[7], args[8]))
  local answer = struct.pack('>I4', at) .. (before or '')
  if done then
    redis.call('SET', done, answer, 'EX', args[10])
  end
  return answer
end

-- KEYS meta log; ARGV generation catalogue entries_max entry. For what has no state: serials we never made.
local function sight(keys, args)
  local refused = refusal(keys[1], keys[2], args[1], args[2], args[3])
  if refused then
    return refused
  end
  redis.call('XADD', keys[2], args[1] .. '-*', 'e', args[4], 's', '')
  return ''
end

-- KEYS bucket; ARGV field state [field state ...]. Joins states recomputed from the record into the live ones.
local function join(keys, args)
  for i = 1, #args, 2 do
    local before = redis.call('HGET', keys[1], args[i])
    redis.call('HSET', keys[1], args[i], before and merge(before, args[i + 1]) or args[i + 1])
  end
  return #args / 2
end

-- KEYS meta; ARGV catalogue. Two changes may be announced in the wrong order; the newer stays.
local function announce(keys, args)
  local known = redis.call('HGET', keys[1], 'c')
  if not known or tonumber(known) < tonumber(args[1]) then
    redis.call('HSET', keys[1], 'c', args[1])
  end
  return ''
end

redis.register_function('onemark_scan_v2', scan)
redis.register_function('onemark_announce_v2', announce)
redis.register_function('onemark_sight_v2', sight)
redis.register_function('onemark_join_v2', join)
