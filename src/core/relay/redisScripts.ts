/**
 * What runs inside Redis: the few steps that must be atomic there. None of them knows the rules of a
 * channel; those are in channel.ts and run in the relay (compare and set, see redisStore.ts).
 *
 * Every key begins with `croc:`. A channel's state is one JSON text; beside it, sorted sets say
 * until when channels count, each member with its deadline in milliseconds of Redis's own clock:
 *
 *   croc:channel:NAME    the state; expires by itself a while after the deadline
 *   croc:open            every open channel, until when it may be idle
 *   croc:life            the same, until when it may live at most
 *   croc:owner:ADDRESS   open channels of one address
 *   croc:names:DIGITS    decimal names in use, by their number of digits, closed channels too
 *   croc:home:HOST:PORTS exists while the process with these lanes says that it lives
 *   croc:notice:NAME     (publish and subscribe) the new state of a channel
 */
import { createHash } from 'node:crypto';

/** How long a state outlives its deadline when no relay is there to close the channel, milliseconds. */
const GRACE_MS = 60_000;

/** A script, and the hash by which Redis knows it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** What is held of an open channel; nothing when it is something else, whoever put it there. */
const READ = `
local function read(held)
  local sound, state = pcall(cjson.decode, held or '')
  if sound and type(state) == 'table' and state.status == 'open' and type(state.owner) == 'string' then
    return state
  end
end
`;

/**
 * Puts a state in the place of the one that the caller saw, if that is still there.
 *
 * KEYS: channel, open, owner, names. ARGV: state seen ('' for none), new state, name, 'open' or
 * 'closed', how long it counts (ms), '1' for a notice, '1' when it opens, channels in all, channels
 * of one address, how long it may live (ms). Gives what came of it ('put', 'changed', 'relay', 'address'), the state that
 * is there if it changed, and the number of names of this length in use.
 */
export const PUT = script(`${NOW}
local held = redis.call('GET', KEYS[1]) or ''
if ARGV[7] == '1' then redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now) end
if held ~= ARGV[1] then return {'changed', held, redis.call('ZCARD', KEYS[4])} end
if ARGV[7] == '1' then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
  if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[8]) then return {'relay', '', 0} end
  if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[9]) then return {'address', '', 0} end
end
local untilMs = now + ARGV[5]
if ARGV[7] == '1' then redis.call('ZADD', 'croc:life', now + ARGV[10], ARGV[3]) end
if ARGV[4] == 'open' then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[5] + ${GRACE_MS})
  redis.call('ZADD', KEYS[2], untilMs, ARGV[3])
  redis.call('ZADD', KEYS[3], untilMs, ARGV[3])
  redis.call('PEXPIRE', KEYS[3], ARGV[5] + ${GRACE_MS})
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[5])
  redis.call('ZREM', KEYS[2], ARGV[3])
  redis.call('ZREM', 'croc:life', ARGV[3])
  redis.call('ZREM', KEYS[3], ARGV[3])
end
if string.match(ARGV[3], '^[1-9][0-9]*$') then
  redis.call('ZADD', KEYS[4], untilMs, ARGV[3])
  redis.call('PEXPIRE', KEYS[4], ARGV[5] + ${GRACE_MS})
end
if ARGV[6] == '1' then redis.call('PUBLISH', 'croc:notice:' .. ARGV[3], ARGV[2]) end
return {'put', '', redis.call('ZCARD', KEYS[4])}
`);

/** Lets open channels count for longer. ARGV: how long (ms), names. */
export const TOUCH = script(`${NOW}${READ}
for i = 2, #ARGV do
  local name = ARGV[i]
  local held = redis.call('GET', 'croc:channel:' .. name)
  local state = read(held)
  if state then
    local untilMs = now + ARGV[1]
    redis.call('PEXPIRE', 'croc:channel:' .. name, ARGV[1] + ${GRACE_MS})
    redis.call('ZADD', 'croc:open', untilMs, name)
    redis.call('ZADD', 'croc:owner:' .. state.owner, untilMs, name)
    redis.call('PEXPIRE', 'croc:owner:' .. state.owner, ARGV[1] + ${GRACE_MS})
    if string.match(name, '^[1-9][0-9]*$') then
      redis.call('ZADD', 'croc:names:' .. #name, untilMs, name)
      redis.call('PEXPIRE', 'croc:names:' .. #name, ARGV[1] + ${GRACE_MS})
    end
  end
end
return 0
`);

/**
 * Closes channels whose deadline has passed, at most so many. ARGV: how many, how long a closed
 * channel is remembered (ms). Gives how many deadlines had passed, and how many channels it closed
 * for being idle, and for their age.
 */
export const SWEEP = script(`${NOW}${READ}
local names = redis.call('ZRANGEBYSCORE', 'croc:open', '-inf', now, 'LIMIT', 0, ARGV[1])
local old = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', 'croc:life', '-inf', now, 'LIMIT', 0, ARGV[1])) do
  names[#names + 1] = name
  old[name] = true
end
local closed = {0, 0}
for _, name in ipairs(names) do
  redis.call('ZREM', 'croc:open', name)
  redis.call('ZREM', 'croc:life', name)
  local held = redis.call('GET', 'croc:channel:' .. name)
  local state = read(held)
  if state then
    local code = old[name] and 'transfer_limit' or nil
    local tombstone = cjson.encode({status = 'closed', channel = name, code = code})
    redis.call('SET', 'croc:channel:' .. name, tombstone, 'PX', ARGV[2])
    redis.call('ZREM', 'croc:owner:' .. state.owner, name)
    if string.match(name, '^[1-9][0-9]*$') then
      redis.call('ZADD', 'croc:names:' .. #name, now + ARGV[2], name)
    end
    redis.call('PUBLISH', 'croc:notice:' .. name, tombstone)
    local limit = old[name] and 2 or 1
    closed[limit] = closed[limit] + 1
  end
end
return {#names, closed[1], closed[2]}
`);
