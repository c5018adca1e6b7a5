package load

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	half, none := 0.5, 0.0
	result := func(lost uint64, p99 float64) *Result {
		return &Result{
			Packets: Packets{Expected: 1000, Received: 1000 - lost, Lost: lost},
			Relay:   Times{P99: p99},
		}
	}
	for name, c := range map[string]struct {
		limits Limits
		result *Result
		want   []string // parts of the error; none: within the limits
	}{
		"no limits":       {Limits{}, result(1000, 1e6), nil},
		"at the limits":   {Limits{&half, 20 * time.Millisecond}, result(5, 20), nil},
		"no loss allowed": {Limits{Loss: &none}, result(0, 1e6), nil},
		"one lost": {
			Limits{Loss: &none}, result(1, 0),
			[]string{"0.100 % of the packets", "limit is 0 %", "0.100 percentage points over"},
		},
		"too much lost": {
			Limits{&half, 20 * time.Millisecond}, result(12, 3),
			[]string{"1.200 %", "limit is 0.5 %", "0.700 percentage points over"},
		},
		"too late": {
			Limits{&half, 20 * time.Millisecond}, result(5, 20.75),
			[]string{"20.75 ms", "limit is 20ms", "0.75 ms over"},
		},
		"both": {
			Limits{&half, time.Millisecond}, result(500, 2),
			[]string{"50.000 %", "49.500", "2.00 ms", "1.00 ms over"},
		},
	} {
		err := c.limits.Check(c.result)
		if (err != nil) != (c.want != nil) || err != nil && !errors.Is(err, ErrBeyondLimits) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q lacks %q", name, err, want)
			}
		}
	}
}

func TestLimitsAreChecked(t *testing.T) {
	one, negative, most, notNumber := 1.0, -0.1, 100.1, math.NaN()
	for name, c := range map[string]struct {
		limits       Limits
		participants int
		ok           bool
	}{
		"none":              {Limits{}, 1, true},
		"both":              {Limits{&one, time.Second}, 2, true},
		"negative loss":     {Limits{Loss: &negative}, 2, false},
		"more than all":     {Limits{Loss: &most}, 2, false},
		"not a number":      {Limits{Loss: &notNumber}, 2, false},
		"negative latency":  {Limits{Relay: -1}, 2, false},
		"nobody to measure": {Limits{Relay: 1}, 1, false},
	} {
		err := c.limits.Validate(c.participants)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
