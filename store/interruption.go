package store

// Cause says why a voice could not be heard for a time.
type Cause string

// The causes of interruptions. Of several at the same time, the first of this list is reported.
const (
	CauseServerRestarted Cause = "server_restarted" // the media server was away
	CauseConnectionLost  Cause = "connection_lost"  // no sound arrived from the speaker
	CauseStorage         Cause = "storage"          // the sound arrived and could not be stored
	CausePageHidden      Cause = "page_hidden"      // the speaker's page was in the background
	CauseMuted           Cause = "muted"            // the speaker had muted the microphone
	CauseClockStopped    Cause = "clock_stopped"    // the play's clock stood, for both speakers
)

// Causes returns all causes, in the order of the constants.
func Causes() []Cause {
	return []Cause{
		CauseServerRestarted, CauseConnectionLost, CauseStorage, CausePageHidden, CauseMuted,
		CauseClockStopped,
	}
}

// Outage reports whether the cause keeps a speaker from answering, so that the other speaker's
// silence is no pause. Who mutes the microphone can still listen and answer.
func (c Cause) Outage() bool { return c != CauseMuted && c != CausePageHidden }

// Interruption is a time that no measure counts: it is neither speech nor a pause, whatever the
// recording holds. Its times are multiples of 0.01 s on the play's time line.
type Interruption struct {
	FromS float64 `json:"from_s"`
	ToS   float64 `json:"to_s"`
	Cause Cause   `json:"cause" enum:"server_restarted,connection_lost,storage,page_hidden,muted,clock_stopped"`
}

// Span returns the interruption's time.
func (i Interruption) Span() Span { return Span{StartS: i.FromS, EndS: i.ToS} }
