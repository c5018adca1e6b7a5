package store

// OnDelete says what happens to a user's data when the account is deleted.
type OnDelete string

const (
	// Deleted data is removed.
	Deleted OnDelete = "deleted"
	// Anonymised rows stay without what identifies the user, except for the account's id.
	Anonymised OnDelete = "anonymised"
	// Kept data stays as it is, because it is not about a user.
	Kept OnDelete = "kept"
)

// TableRule says what happens to a user's rows of one database table when the account is deleted.
// The part of the program that owns the table declares it.
type TableRule struct {
	Table    string
	OnDelete OnDelete
	Why      string // for DESIGN.md
}

// FileRule says what happens to a user's files of one kind when the account is deleted.
type FileRule struct {
	Pattern  string // of keys in the blob store, with <names> for the parts that vary
	OnDelete OnDelete
	Why      string // for DESIGN.md
}
