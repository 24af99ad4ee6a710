#!lua name=onemark_scan_v4
-- State and log of one partition change together here, or not at all. The layout of a state is described in state.py;
-- whoever changes it gives this library, its functions and the tests a new version in their names.
-- Numbers are compared, never strings: Lua compares strings by the server's locale.

local VISITORS_MAX = 6
local HEADER_BYTES = 9
local PROOF_BYTES = 7
local SLOT_BYTES = 15
local HEADER = '>BI4I4'
local PROOF = '>I4I3'
local SLOT = '>I4I5I3I3'
local FLAG_STAFF = 1
local FLAG_PROVEN = 4

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

-- Where the slots begin: behind the header, and behind the proof where the flags say that there is one.
local function slots_at(flags)
  return HEADER_BYTES + 1 + (bit.band(flags, FLAG_PROVEN) ~= 0 and PROOF_BYTES or 0)
end

-- The proof of a state as { visitor, minute }, or nil.
local function proof_of(packed, flags)
  if bit.band(flags, FLAG_PROVEN) == 0 then
    return nil
  end
  local visitor, minute = struct.unpack(PROOF, packed, HEADER_BYTES + 1)
  return { visitor = visitor, minute = minute }
end

local function later(a, b)
  if not a or not b then
    return a or b
  end
  if a.minute ~= b.minute then
    return a.minute > b.minute and a or b
  end
  return a.visitor > b.visitor and a or b
end

local function place_all(slots, packed, flags)
  for at = slots_at(flags), #packed, SLOT_BYTES do
    local visitor, whence, first, last = struct.unpack(SLOT, packed, at)
    place(slots, visitor, whence, first, last)
  end
end

local function pack(flags, first, last, proof, slots)
  if #slots > 1 then
    table.sort(slots, earlier)
  end
  local parts = { struct.pack(HEADER, flags, first, last) }
  if proof then
    parts[2] = struct.pack(PROOF, proof.visitor, proof.minute)
  end
  for i = 1, math.min(#slots, VISITORS_MAX) do
    local slot = slots[i]
    parts[#parts + 1] = struct.pack(SLOT, slot.visitor, slot.whence, slot.first, slot.last)
  end
  return table.concat(parts)
end

local function merge(one, other)
  local flags, first, last = struct.unpack(HEADER, one)
  local flags2, first2, last2 = struct.unpack(HEADER, other)
  local slots = {}
  place_all(slots, one, flags)
  place_all(slots, other, flags2)
  local proof = later(proof_of(one, flags), proof_of(other, flags2))
  return pack(bit.bor(flags, flags2), math.min(first, first2), math.max(last, last2), proof, slots)
end

-- What a scan in this mode ('s' seen, 'c' confirmed, 't' staff), or a right PIN ('p'), makes of the state before it.
local function touch(before, mode, at, visitor, whence)
  local flags, first, last = 0, at, at
  if before then
    flags, first, last = struct.unpack(HEADER, before)
    local slots_bytes = #before + 1 - slots_at(flags)
    if slots_bytes < 0 or slots_bytes % SLOT_BYTES ~= 0 or slots_bytes > VISITORS_MAX * SLOT_BYTES then
      error('a state of ' .. #before .. ' bytes')
    end
    first = math.min(first, at)
    last = math.max(last, at)
  end
  local minute = struct.pack('>I3', math.floor(at / 60))
  if mode == 'p' then
    local proven = struct.pack(HEADER, FLAG_PROVEN, at, at) .. visitor .. minute
    return before and merge(before, proven) or proven
  end
  if mode == 't' then
    flags = bit.bor(flags, FLAG_STAFF)
  end
  local header = struct.pack(HEADER, flags, first, last)
  if mode ~= 'c' then
    return before and header .. string.sub(before, HEADER_BYTES + 1) or header
  end
  local slot = visitor .. whence .. minute .. minute
  if not before or #before == HEADER_BYTES then
    return header .. slot
  end
  return merge(before, struct.pack(HEADER, 0, at, at) .. slot)
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

-- One scan: mode, whether its id may come again, at, visitor, whence (calls.py); its log entry stands behind them.
local CALL = '>c1BI4c4c5'
local CALL_BYTES = 15

-- KEYS meta log, the bucket of each scan, the answer of each scan whose id may come again; ARGV generation catalogue entries_max done_s,
-- and for each scan: field, call. All of one partition, and refused together. Answer: for each scan the time that counted (u32) and the
-- state before, or an error where it cannot be read. A scan id that was done gets the answer it had, and no new entry.
local function scan(keys, args)
  local log = keys[2]
  local count = (#args - 4) / 2
  local refused = refusal(keys[1], log, args[1], args[2], tonumber(args[3]) - count + 1)
  if refused then
    return refused
  end
  local id = args[1] .. '-*'
  local next_done = 3 + count
  local answers = {}
  for i = 1, count do
    local bucket, field, call = keys[2 + i], args[3 + 2 * i], args[4 + 2 * i]
    local mode, again, at, visitor, whence = struct.unpack(CALL, call)
    local done, answer = nil, false
    if again == 1 then
      done = keys[next_done]
      next_done = next_done + 1
      answer = redis.pcall('GET', done)
    end
    if not answer then
      local before = redis.pcall('HGET', bucket, field)
      -- Computed before anything is written: a state that cannot be read must not leave an entry behind.
      local computed, after = pcall(touch, before, mode, at, visitor, whence)
      if computed then
        redis.call('XADD', log, id, 'e', string.sub(call, CALL_BYTES + 1), 's', before or '')
        redis.call('HSET', bucket, field, after)
        answer = struct.pack('>I4', at) .. (before or '')
        if done then
          redis.call('SET', done, answer, 'EX', args[4])
        end
      else
        answer = redis.error_reply('STATE of field ' .. field .. ' of ' .. bucket .. ' cannot be read')
      end
    end
    answers[i] = answer
  end
  return answers
end

-- Tries of PINs. The rule, its figures and why they are what they are stand in pin_tries.py, whose names these are.
local WAITS_S = { [3] = 60, [4] = 600, [5] = 3600, [6] = 21600 }
local WAIT_S_MAX = 86400
local FREE_TRIES = 3
local LANES = { home = { 'h', 5, 86400 }, open = { 'o', 20, 21600 } }
local KEPT_S = 30 * 86400
local VISITORS_KEPT = 250
local TRIED = '>BI4'

-- 'known': one of the first visitors of the code; 'home': in the network of the very first one; else 'open'.
local function lane_of(state, visitor, whence)
  if not state then
    return 'open'
  end
  local flags = string.byte(state, 1)
  local first_network = nil
  for at = slots_at(flags), #state, SLOT_BYTES do
    if string.sub(state, at, at + 3) == visitor then
      return 'known'
    end
    first_network = first_network or string.sub(state, at + 4, at + 6)
  end
  local network = string.sub(whence, 1, 3)
  return first_network == network and network ~= '\0\0\0' and 'home' or 'open'
end

-- When a bucket that is spent at the pace of one in refill_s lets the next one through (GCRA); `at` or before: now.
local function bucket_opens(stored, capacity, refill_s)
  return stored and struct.unpack('>I4', stored) - (capacity - 1) * refill_s or 0
end

local function bucket_spent(stored, at, refill_s)
  return struct.pack('>I4', math.max(stored and struct.unpack('>I4', stored) or 0, at) + refill_s)
end

-- Wrong tries of a visitor in a row, and the time of the last.
local function tried_of(stored, at)
  if not stored then
    return 0, 0
  end
  local wrong, last = struct.unpack(TRIED, stored)
  if at - last >= KEPT_S then
    return 0, 0
  end
  return wrong, last
end

local function opens_at(tries, lane, field, at)
  local wrong, last = tried_of(redis.call('HGET', tries, field), at)
  local opens = wrong >= FREE_TRIES and last + (WAITS_S[wrong] or WAIT_S_MAX) or 0
  local limits = LANES[lane]
  if limits then
    opens = math.max(opens, bucket_opens(redis.call('HGET', tries, limits[1]), limits[2], limits[3]))
  end
  return opens, wrong
end

local function forget_old(tries, at)
  local all = redis.call('HGETALL', tries)
  for i = 1, #all, 2 do
    if #all[i] == 5 and tried_of(all[i + 1], at) == 0 then
      redis.call('HDEL', tries, all[i])
    end
  end
end

-- KEYS meta log bucket tries; ARGV generation catalogue entries_max field at visitor whence entry right ('1' or '0')
-- Answer: outcome (0 wrong, 1 right, 2 too early), free tries left (u8), when the next one is let through (u32), the state after.
-- Whether the PIN was right is looked at only behind the limits, and nothing is written where they refuse.
local function pin(keys, args)
  local refused = refusal(keys[1], keys[2], args[1], args[2], args[3])
  if refused then
    return refused
  end
  local at = tonumber(args[5])
  local visitor, whence = args[6], args[7]
  local field = 'v' .. visitor
  local state = redis.call('HGET', keys[3], args[4])
  local lane = lane_of(state, visitor, whence)
  local opens, wrong = opens_at(keys[4], lane, field, at)
  if opens > at then
    return struct.pack('>BBI4', 2, 0, opens) .. (state or '')
  end
  if args[9] == '1' then
    redis.call('XADD', keys[2], args[1] .. '-*', 'p', args[8], 'o', 'right', 'l', lane)
    state = touch(state, 'p', at, visitor, whence)
    redis.call('HSET', keys[3], args[4], state)
    redis.call('HDEL', keys[4], field)
    return struct.pack('>BBI4', 1, 0, 0) .. state
  end
  redis.call('XADD', keys[2], args[1] .. '-*', 'p', args[8], 'o', 'wrong', 'l', lane)
  wrong = math.min(wrong + 1, 255)
  redis.call('HSET', keys[4], field, struct.pack(TRIED, wrong, at))
  local limits = LANES[lane]
  if limits then
    redis.call('HSET', keys[4], limits[1], bucket_spent(redis.call('HGET', keys[4], limits[1]), at, limits[3]))
  end
  if redis.call('HLEN', keys[4]) > VISITORS_KEPT then
    forget_old(keys[4], at)
  end
  redis.call('EXPIRE', keys[4], KEPT_S)
  return struct.pack('>BBI4', 0, math.max(FREE_TRIES - wrong, 0), opens_at(keys[4], lane, field, at)) .. (state or '')
end

-- KEYS meta bucket; ARGV generation at capacity refill_s. Answer: 0 where the address may try, else when it may.
local function pin_address(keys, args)
  if redis.call('HGET', keys[1], 'g') ~= args[1] then
    return redis.error_reply('GENERATION this partition is of another generation')
  end
  local at, capacity, refill_s = tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  local stored = redis.call('GET', keys[2])
  local opens = bucket_opens(stored, capacity, refill_s)
  if opens > at then
    return struct.pack('>I4', opens)
  end
  redis.call('SET', keys[2], bucket_spent(stored, at, refill_s), 'EX', capacity * refill_s)
  return struct.pack('>I4', 0)
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

redis.register_function('onemark_scan_v4', scan)
redis.register_function('onemark_announce_v4', announce)
redis.register_function('onemark_sight_v4', sight)
redis.register_function('onemark_join_v4', join)
redis.register_function('onemark_pin_v4', pin)
redis.register_function('onemark_pin_address_v4', pin_address)
