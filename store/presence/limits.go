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

// spendScript takes one unit of each quota, or of none when one of them has none left, by the
// clock of Redis. KEYS hold the moment at which a quota is full again; ARGV has for each key the
// time in which one unit comes back, and the window; at last 1, or 0 to take none in any case. It
// answers with whether there was one of each, and with each quota's debt. All times are in
// microseconds.
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
      redis.call('SET', key, string.format('%.0f', now + after[i]), 'PX', math.ceil(after[i] / 1000))
    end
  end
  debts = after
end
return {ok, unpack(debts)}`

const (
	// Redis has so long to answer about quotas: each request waits for it
	limitWithin = 250 * time.Millisecond
	limitRest   = time.Second // and is not asked again for so long when it has not
	maxBuckets  = 100_000     // quotas that a process remembers, some 10 MB
)

// limiter keeps quotas: in Redis, and what this process knows of them beside it. What it knows is
// never more than what was used, so that a quota that is used up here is used up, and while Redis
// is away the process goes on with what it knows. Where Redis is inside the process nobody else
// uses them, and Redis is not asked at all.
type limiter struct {
	script *redis.Script
	clock  func() time.Time

	mu   sync.Mutex
	full map[string]time.Time // when a quota is full again; guarded by mu
	// when there are as many, those that are full are forgotten; guarded by mu
	sweep int
	rest  time.Time // until then Redis is not asked; guarded by mu
}

func newLimiter(clock func() time.Time) *limiter {
	return &limiter{
		script: redis.NewScript(spendScript), clock: clock, full: map[string]time.Time{},
		sweep: 1024,
	}
}

// Spend takes one unit of each quota, or of none when one of them has none left. It always
// answers: without Redis from what this process knows.
func (p *Presence) Spend(ctx context.Context,
	quotas ...store.Quota) (balances []store.Balance, ok bool) {
	return p.ask(ctx, true, quotas)
}

// Check is Spend that takes nothing.
func (p *Presence) Check(ctx context.Context,
	quotas ...store.Quota) (balances []store.Balance, ok bool) {
	return p.ask(ctx, false, quotas)
}

// Peek is Check without asking Redis: false when one of the quotas is used up for sure.
func (p *Presence) Peek(quotas ...store.Quota) (balances []store.Balance, ok bool) {
	p.limits.mu.Lock()
	defer p.limits.mu.Unlock()
	return p.limits.own(p.limits.clock(), false, quotas)
}

func (p *Presence) ask(ctx context.Context, take bool,
	quotas []store.Quota) (balances []store.Balance, ok bool) {
	l := p.limits
	l.mu.Lock()
	now := l.clock()
	alone := p.own != nil || now.Before(l.rest)
	balances, ok = l.own(now, take && alone, quotas)
	l.mu.Unlock()
	if alone || !ok {
		return balances, ok
	}
	debts, taken, err := p.askRedis(ctx, take, quotas)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil && !now.Before(l.rest) {
			l.rest = l.clock().Add(limitRest)
			p.log.Warn("limits are kept by each process alone for a moment", "error", err)
		}
		return l.own(now, take, quotas)
	}
	for i, q := range quotas {
		l.keep(now, q.Key, debts[i])
		balances[i] = q.Balance(debts[i])
		if _, then := q.Spend(debts[i]); !taken && then.Retry > 0 {
			balances[i] = then
		}
	}
	return balances, taken
}

func (p *Presence) askRedis(ctx context.Context, take bool,
	quotas []store.Quota) (debts []time.Duration, ok bool, err error) {
	limited, cancel := context.WithTimeout(ctx, limitWithin)
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
		return nil, false, fmt.Errorf("presence: Redis answered %d quotas with %d values",
			len(quotas), len(values))
	}
	for _, v := range values[1:] {
		debts = append(debts, time.Duration(v)*time.Microsecond)
	}
	return debts, values[0] == 1, nil
}

// own answers from what this process knows, and takes a unit of each quota when it should and
// there is one. The caller holds mu, also of keep.
func (l *limiter) own(now time.Time, take bool,
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
		l.keep(now, q.Key, debt)
	}
	return balances, ok
}

// keep remembers a debt, unless a greater one is known.
func (l *limiter) keep(now time.Time, key string, debt time.Duration) {
	at, known := l.full[key]
	if !known && len(l.full) >= l.sweep {
		maps.DeleteFunc(l.full, func(_ string, at time.Time) bool { return !at.After(now) })
		if len(l.full) >= maxBuckets {
			for other := range l.full { // in no order: whoever fills the table is not to choose
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
