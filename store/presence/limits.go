package presence

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"bedside/store"

	"github.com/redis/go-redis/v9"
)

// spendScript spends one unit of each quota, or of none when one of them has no unit left. It uses
// the clock of Redis, so that the processes' clocks need not agree. All times are in microseconds.
//
//   - KEYS: one key for each quota. Its value is the time at which all units are available again.
//   - ARGV: for each key the time in which one unit comes back and the window; then 1 to spend, or
//     0 to check only.
//   - Result: 1 if every quota had a unit, otherwise 0; then the debt of each quota (store.Quota).
const spendScript = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local debts, after, ok = {}, {}, 1
for i, key in ipairs(KEYS) do
  local debt = math.max(tonumber(redis.call('GET', key) or 0) - now, 0)
  debts[i], after[i] = debt, debt + ARGV[2 * i - 1]
  if after[i] > tonumber(ARGV[2 * i]) then ok = 0 end
end
if ok == 1 and ARGV[#ARGV] == '1' then
  for i, key in ipairs(KEYS) do
    if after[i] > 0 then
      local full, ttl = string.format('%.0f', now + after[i]), math.ceil(after[i] / 1000)
      redis.call('SET', key, full, 'PX', ttl)
    end
  end
  debts = after
end
return {ok, unpack(debts)}`

// returnScript gives one unit of each quota back. KEYS are as in spendScript; ARGV has for each
// key the time in which one unit comes back. The result is the debt of each quota.
const returnScript = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local debts = {}
for i, key in ipairs(KEYS) do
  debts[i] = math.max(tonumber(redis.call('GET', key) or 0) - now - ARGV[i], 0)
  if debts[i] > 0 then
    local full, ttl = string.format('%.0f', now + debts[i]), math.ceil(debts[i] / 1000)
    redis.call('SET', key, full, 'PX', ttl)
  else
    redis.call('DEL', key)
  end
end
return debts`

const (
	// limitTimeout is how long a request waits for Redis to answer about quotas.
	limitTimeout = 250 * time.Millisecond
	// limitPause is how long Redis is not asked after it has not answered in time.
	limitPause = time.Second
	// maxBuckets is the number of quotas that a process remembers, about 10 MB.
	maxBuckets = 100_000
)

// limiter remembers what this process knows about quotas, besides the state in Redis. It never
// remembers more use than there was, so a quota that is used up here is used up. While Redis does
// not answer, the process decides from its memory alone. With Redis inside the process no other
// process shares the quotas, and the memory is all there is.
type limiter struct {
	script   *redis.Script
	giveBack *redis.Script
	clock    func() time.Time

	mu   sync.Mutex
	full map[string]time.Time // when all units of a quota are available again; guarded by mu
	// size of full at which expired entries are removed; guarded by mu
	sweep      int
	pauseUntil time.Time // Redis is not asked before this time; guarded by mu
}

func newLimiter(clock func() time.Time) *limiter {
	return &limiter{
		script: redis.NewScript(spendScript), giveBack: redis.NewScript(returnScript),
		clock: clock, full: map[string]time.Time{}, sweep: 1024,
	}
}

// Spend spends one unit of each quota, or of none when one of them has no unit left, and reports
// whether it did. It never fails: without Redis it decides from what this process remembers.
func (p *Presence) Spend(ctx context.Context,
	quotas ...store.Quota) (balances []store.Balance, ok bool) {
	return p.spend(ctx, true, quotas)
}

// Check returns what Spend would return, but spends nothing.
func (p *Presence) Check(ctx context.Context,
	quotas ...store.Quota) (balances []store.Balance, ok bool) {
	return p.spend(ctx, false, quotas)
}

// Return gives back one unit of each quota, which the caller has spent before. Without Redis only
// this process learns of it, and the others wait until the unit comes back by itself.
func (p *Presence) Return(ctx context.Context, quotas ...store.Quota) {
	l := p.limits
	l.mu.Lock()
	now := l.clock()
	for _, q := range quotas {
		if at, known := l.full[q.Key]; known {
			l.full[q.Key] = at.Add(-q.Interval())
		}
	}
	alone := p.local != nil || now.Before(l.pauseUntil)
	l.mu.Unlock()
	if alone || len(quotas) == 0 {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), limitTimeout)
	defer cancel()
	keys, args := make([]string, len(quotas)), make([]any, len(quotas))
	for i, q := range quotas {
		keys[i], args[i] = limitKey+q.Key, q.Interval().Microseconds()
	}
	if err := p.do(limited, func(ctx context.Context) error {
		return l.giveBack.Run(ctx, p.client, keys, args...).Err()
	}); err != nil {
		p.log.Warn("Redis does not answer: a try that was no guess stays counted", "error", err)
	}
}

// Peek is Check without asking Redis. It returns false only when one of the quotas is used up.
func (p *Presence) Peek(quotas ...store.Quota) (balances []store.Balance, ok bool) {
	p.limits.mu.Lock()
	defer p.limits.mu.Unlock()
	return p.limits.spend(p.limits.clock(), false, quotas)
}

func (p *Presence) spend(ctx context.Context, take bool,
	quotas []store.Quota) (balances []store.Balance, ok bool) {
	l := p.limits
	l.mu.Lock()
	now := l.clock()
	alone := p.local != nil || now.Before(l.pauseUntil)
	balances, ok = l.spend(now, take && alone, quotas)
	l.mu.Unlock()
	if alone || !ok {
		return balances, ok
	}
	debts, taken, err := p.spendInRedis(ctx, take, quotas)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil && !now.Before(l.pauseUntil) {
			l.pauseUntil = l.clock().Add(limitPause)
			p.log.Warn("Redis does not answer: each process counts limits by itself", "error", err)
		}
		return l.spend(now, take, quotas)
	}
	for i, q := range quotas {
		l.remember(now, q.Key, debts[i])
		balances[i] = q.Balance(debts[i])
		if _, then := q.Spend(debts[i]); !taken && then.Retry > 0 {
			balances[i] = then
		}
	}
	return balances, taken
}

func (p *Presence) spendInRedis(ctx context.Context, take bool,
	quotas []store.Quota) (debts []time.Duration, ok bool, err error) {
	limited, cancel := context.WithTimeout(ctx, limitTimeout)
	defer cancel()
	keys, args := make([]string, len(quotas)), make([]any, 0, 2*len(quotas)+1)
	for i, q := range quotas {
		keys[i] = limitKey + q.Key
		args = append(args, q.Interval().Microseconds(), q.Window.Microseconds())
	}
	var values []int64
	err = p.do(limited, func(ctx context.Context) (err error) {
		values, err = p.limits.script.Run(ctx, p.client, keys, append(args, take)...).Int64Slice()
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if len(values) != len(quotas)+1 {
		return nil, false, fmt.Errorf("presence: Redis returned %d values for %d quotas",
			len(values), len(quotas))
	}
	for _, v := range values[1:] {
		debts = append(debts, time.Duration(v)*time.Microsecond)
	}
	return debts, values[0] == 1, nil
}

// spend decides from what this process remembers. It spends a unit of each quota when take is set
// and every quota has one. The caller holds mu.
func (l *limiter) spend(now time.Time, take bool,
	quotas []store.Quota) (balances []store.Balance, ok bool) {
	balances, ok = make([]store.Balance, len(quotas)), true
	for i, q := range quotas {
		debt := l.full[q.Key].Sub(now)
		balances[i] = q.Balance(debt)
		if _, then := q.Spend(debt); then.Retry > 0 {
			balances[i], ok = then, false
		}
	}
	if !ok || !take {
		return balances, ok
	}
	for i, q := range quotas {
		var debt time.Duration
		debt, balances[i] = q.Spend(l.full[q.Key].Sub(now))
		l.remember(now, q.Key, debt)
	}
	return balances, ok
}

// remember stores a debt unless a greater one is known. The caller holds mu.
func (l *limiter) remember(now time.Time, key string, debt time.Duration) {
	at, known := l.full[key]
	if !known && len(l.full) >= l.sweep {
		maps.DeleteFunc(l.full, func(_ string, at time.Time) bool { return !at.After(now) })
		if len(l.full) >= maxBuckets {
			// The random order of a map denies an attacker the choice of what is forgotten.
			for other := range l.full {
				if delete(l.full, other); len(l.full) <= maxBuckets/2 {
					break
				}
			}
		}
		l.sweep = min(max(1024, 2*len(l.full)), maxBuckets)
	}
	if then := now.Add(debt); debt > 0 && then.After(at) {
		l.full[key] = then
	}
}
