package asr

// Names of acoustic models, for Speaker.Model. A recogniser that has only one ignores them.
const (
	Packaged = "packaged" // as the recogniser's makers trained it, on native speakers
	Adapted  = "adapted"  // to learners of English
	Average  = "average"  // half way between both, for speakers whom neither fits clearly better
)
