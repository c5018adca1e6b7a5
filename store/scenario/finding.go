package scenario

import "fmt"

// Severity says what a finding prevents.
type Severity string

// An error keeps a document from being published; a warning does not.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is something about a document that should be changed. Lines and columns are counted from
// one, columns in characters.
type Finding struct {
	Line     int      `json:"line" minimum:"1" example:"12"`
	Column   int      `json:"column" minimum:"1" example:"3"`
	Path     string   `json:"path" doc:"The value, such as candidate_card.tasks[1]; empty: the whole document." example:"candidate_card.tasks[1]"`
	Severity Severity `json:"severity" enum:"error,warning"`
	Rule     string   `json:"rule" doc:"The name of the rule." example:"length"`
	Message  string   `json:"message" doc:"What is wrong, in words." example:"title has 130 characters; at most 120 are possible"`
}

// Error returns the finding in one line: line:column: severity: message.
func (f Finding) Error() string {
	return fmt.Sprintf("%d:%d: %s: %s", f.Line, f.Column, f.Severity, f.Message)
}
