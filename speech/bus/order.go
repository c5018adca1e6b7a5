package bus

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxTaps is the largest number of taps of one attempt whose messages are followed. There is one
// for each start of a media server.
const maxTaps = 64

// messageID returns the id of the nth message of a tap. It lets JetStream drop a message that is
// published twice, and workers notice one that is missing.
func messageID(attempt, tap string, n uint64) string {
	return attempt + "/" + tap + "/" + strconv.FormatUint(n, 36)
}

// messageOrder follows the numbers of the messages of one attempt. The zero value is ready.
type messageOrder struct {
	last map[string]uint64 // by tap
}

// missing reports whether the tap of a message had published others before it that are not in the
// log. Messages of older programs and end markers have no numbers.
func (o *messageOrder) missing(m jetstream.Msg) bool {
	parts := strings.Split(m.Headers().Get(nats.MsgIdHdr), "/")
	if len(parts) != 3 {
		return false
	}
	n, err := strconv.ParseUint(parts[2], 36, 64)
	last, known := o.last[parts[1]]
	if err != nil || n <= last || !known && len(o.last) == maxTaps {
		return false
	}
	if o.last == nil {
		o.last = map[string]uint64{}
	}
	o.last[parts[1]] = n
	return n != last+1
}
