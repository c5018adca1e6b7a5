package store

// ActorWorker is a speech worker that plays automatic patients, as it describes itself.
type ActorWorker struct {
	Name       string
	Slots      int    // role plays at the same time
	Free       int    // slots that nobody has
	Waiting    int    // role plays that wait for a slot of any worker
	Recogniser string // what hears candidates; empty: nothing
	Why        string // why it is not a better one, or why there is none
}
