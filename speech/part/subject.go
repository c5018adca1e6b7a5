package part

// Subjects of the messages to all workers.
const (
	CallSubject    = "part.call"
	ConfirmSubject = "part.confirm"
	StatusSubject  = "part.status"
)

// ActSubject returns the subject of the acts of an attempt's actor.
func ActSubject(attempt string) string { return "part.act." + attempt }

// AliveSubject returns the subject on which an attempt's actor says that it is there.
func AliveSubject(attempt string) string { return "part.alive." + attempt }

// ToldSubject returns the subject on which the room tells an attempt's actor what happened.
func ToldSubject(attempt string) string { return "part.told." + attempt }
