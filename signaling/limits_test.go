package signaling

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// PROTOCOL.md lists the limits and times of the hub.
func TestLimitsInProtocolPage(t *testing.T) {
	b, err := os.ReadFile("PROTOCOL.md")
	must(t, err)
	page, cfg := string(b), Config{}.withDefaults()
	seconds := func(d time.Duration) int { return int(d / time.Second) }
	for _, row := range []struct {
		limit int
		what  string
	}{
		{perSecond, "messages per second, in the long run"},
		{burst, "messages in a burst"},
		{maxMistakes, "bad messages before the socket is closed"},
		{queueLength, "messages queued for a client that does not read"},
		{seconds(cfg.FirstWord), "seconds until the first message"},
		{seconds(cfg.PingEvery), "seconds between pings"},
		{seconds(cfg.Grace), "seconds of the grace period (`media.grace`)"},
		{cfg.PerAddress, "sockets from one address (`media.max_per_address`)"},
		{cfg.RoomsPerAccount, "at a time (`media.max_rooms_per_account`)"},
		{cfg.RoomsPerAddress, "at a time (`media.max_rooms_per_address`)"},
		{skipLimit, "so that the error can say why; beyond them the socket closes with 1009"},
	} {
		text := row.what + " | " + strconv.Itoa(row.limit) + " |"
		if !strings.Contains(page, text) {
			t.Errorf("PROTOCOL.md has no row %s", text)
		}
	}
	for what, text := range map[string]string{
		"the tail":          "the first " + strconv.Itoa(int(tail/time.Millisecond)) + " ms",
		"the report's wait": strconv.Itoa(seconds(cfg.ReportWait)) + " s at most",
		"an empty room's end": "given up after " +
			strconv.Itoa(int(cfg.Linger/time.Minute)) + " minutes",
		"an unused room's end": "closes after " + strconv.Itoa(seconds(cfg.Unused)) + " seconds",
	} {
		if !strings.Contains(strings.Join(strings.Fields(page), " "), text) {
			t.Errorf("PROTOCOL.md does not say %q of %s", text, what)
		}
	}
}
