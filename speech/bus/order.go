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

// refusedMark stands in a message id between the number and how many messages of the tap the log
// had refused before.
const refusedMark = "."

// spooledID returns the id of a message from a spool file, by its place in the file.
func spooledID(attempt, file string, place int64) string {
	return attempt + "/spool/" + file + "/" + strconv.FormatInt(place, 36)
}

// messageOrder follows the numbers of the messages of one attempt. The zero value is ready.
type messageOrder struct {
	last map[string]uint64 // by tap
}

// add adds a message. missing reports whether its tap had published others before it that are
// not in the log, repeated whether the log has it twice: JetStream recognises a message that is
// published again for two minutes only. Messages of older programs, of spool files, and end
// markers have no numbers.
func (o *messageOrder) add(m jetstream.Msg) (missing, repeated bool) {
	parts := strings.Split(m.Headers().Get(nats.MsgIdHdr), "/")
	if len(parts) != 3 {
		return false, false
	}
	number, _, _ := strings.Cut(parts[2], refusedMark)
	n, err := strconv.ParseUint(number, 36, 64)
	last, known := o.last[parts[1]]
	switch {
	case err != nil || !known && len(o.last) == maxTaps:
		return false, false
	case n <= last:
		return false, true
	case o.last == nil:
		o.last = map[string]uint64{}
	}
	o.last[parts[1]] = n
	return n != last+1, false
}
