package store

// IsID reports whether s is spelled as the stores spell the id of a record: a UUID in lower case,
// with dashes. Other spellings that UUID libraries or PostgreSQL accept, such as urn:uuid:, braces
// or upper case, are ids of nothing: a room, a quota or a file named by one would be a second one
// of the same record.
func IsID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}
