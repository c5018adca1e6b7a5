package event

import "encoding/json"

const (
	// maxState is the length of the longest snapshot in a Patient.
	maxState = 32 << 10
	// maxText is the length of the longest text in a Said.
	maxText = 2000
)

// Said says what the automatic patient has said, as far as it was really played.
type Said struct {
	Line string `json:"line"` // its id
	Text string `json:"text"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
	Cut  bool   `json:"cut,omitempty"` // the line was interrupted before its end
}

// Patient is a snapshot of the automatic patient. A media server that continues a play reads the
// last one.
type Patient struct {
	Generation int             `json:"generation"`
	State      json.RawMessage `json:"state"`
	HeardTo    int64           `json:"heard_to"` // the audio before it is in the state
}

func (Said) kind() string    { return "said" }
func (Patient) kind() string { return "patient" }

func (e Said) valid() bool {
	return e.Line != "" && len(e.Text) <= maxText && e.From >= 0 && e.To >= e.From
}

func (e Patient) valid() bool {
	return e.Generation > 0 && e.HeardTo >= 0 && len(e.State) > 0 && len(e.State) <= maxState
}
