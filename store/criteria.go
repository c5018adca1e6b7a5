package store

// Settings returns where a consultation may take place, as slugs.
func Settings() []string {
	return []string{
		"hospital", "emergency", "outpatients", "general-practice", "clinic", "pharmacy",
		"community", "home-visit", "care-home", "school", "telephone",
	}
}

// Criteria returns the nine criteria by which the speaking test is marked: four of language, then
// five of clinical communication.
func Criteria() []string {
	return []string{
		"intelligibility", "fluency", "appropriateness", "grammar",
		"relationship", "perspective", "structure", "gathering", "giving",
	}
}

// Indicator is one thing that assessors look for in clinical communication.
type Indicator struct {
	ID        string // A1 to E5
	Criterion string // one of Criteria
	Text      string // what the candidate does
}

// Indicators returns the indicators of the five criteria of clinical communication.
func Indicators() []Indicator {
	return []Indicator{
		{"A1", "relationship", "opens the consultation suitably"},
		{"A2", "relationship", "is attentive and respectful"},
		{"A3", "relationship", "does not judge"},
		{"A4", "relationship", "shows empathy for the feeling that was expressed"},
		{"B1", "perspective", "asks for ideas, concerns and expectations"},
		{"B2", "perspective", "picks up cues"},
		{"B3", "perspective", "ties explanations back to the patient’s own words"},
		{"C1", "structure", "keeps a logical order"},
		{"C2", "structure", "announces a change of topic"},
		{"C3", "structure", "organises explanations"},
		{"D1", "gathering", "lets the patient talk"},
		{"D2", "gathering", "asks open questions first, then closed ones"},
		{"D3", "gathering", "asks no compound or leading questions"},
		{"D4", "gathering", "clarifies what is vague"},
		{"D5", "gathering", "summarises and invites correction"},
		{"E1", "giving", "finds out what the patient knows already"},
		{"E2", "giving", "explains in small portions, with pauses"},
		{"E3", "giving", "invites reactions"},
		{"E4", "giving", "checks understanding"},
		{"E5", "giving", "asks what else the patient needs"},
	}
}

// IndicatorIDs returns the ids of Indicators.
func IndicatorIDs() []string {
	list := Indicators()
	ids := make([]string, len(list))
	for i, one := range list {
		ids[i] = one.ID
	}
	return ids
}
