package signaling

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestLimitsInProtocolPage(t *testing.T) {
	b, err := os.ReadFile("PROTOCOL.md")
	must(t, err)
	page, cfg := string(b), Config{}.withDefaults()
	seconds := func(d time.Duration) int { return int(d / time.Second) }
	for what, limit := range map[string]int{
		"messages a second, for long":                                                  perSecond,
		"messages in a burst":                                                          burst,
		"bad messages before the socket is closed":                                     maxMistakes,
		"messages that wait for a client that does not read":                           queueLength,
		"seconds to the first message":                                                 seconds(cfg.FirstWord),
		"seconds between pings":                                                        seconds(cfg.PingEvery),
		"seconds a place is kept (`media.grace`)":                                      seconds(cfg.Grace),
		"sockets from one address (`media.max_per_address`)":                           cfg.PerAddress,
		"so that it can be refused with a reason; past them the socket ends with 1009": skipLimit,
	} {
		if row := what + " | " + strconv.Itoa(limit) + " |"; !strings.Contains(page, row) {
			t.Errorf("PROTOCOL.md has no row %s", row)
		}
	}
	for what, text := range map[string]string{
		"the tail":          "the first " + strconv.Itoa(int(tail/time.Millisecond)) + " ms",
		"the report's wait": strconv.Itoa(seconds(cfg.ReportWait)) + " s at most",
		"an empty room's end": "up after " + strconv.Itoa(int(cfg.Linger/time.Minute)) +
			" minutes",
	} {
		if !strings.Contains(strings.Join(strings.Fields(page), " "), text) {
			t.Errorf("PROTOCOL.md does not say %q of %s", text, what)
		}
	}
}
