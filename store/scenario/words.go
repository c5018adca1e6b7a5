package scenario

import (
	"fmt"
	"strings"
	"unicode"

	"bedside/store"
)

// Limits of what one person can say, and another can follow, in one go.
const (
	sentenceWords = 45
	patientWords  = 70
	turnWords     = 130
)

// words checks every text for American spellings, and what is spoken for what cannot be said.
func (l *linter) words() {
	speller := newSpeller()
	walkTexts(store.ScenarioRule(), "", l.tree, func(path, text string) {
		for _, word := range bareWords(text) {
			if british := speller.british(word); british != "" {
				l.add(path, Warning, "spelling", "“%s” is not the British spelling: write %s",
					word, british)
			}
		}
	})
	for i, line := range l.Patient.Lines {
		l.spoken(fmt.Sprintf("interlocutor_card.lines[%d]", i), line, patientWords)
	}
	for i, c := range l.Patient.Conditional {
		l.spoken(fmt.Sprintf("interlocutor_card.conditional[%d].say", i), c.Say, patientWords)
	}
	for i, c := range l.Patient.Cues {
		l.spoken(fmt.Sprintf("interlocutor_card.cues[%d].say", i), c.Say, patientWords)
	}
	l.spoken("interlocutor_card.softening", l.Patient.Softening, patientWords)
	for i, t := range l.Model {
		l.spoken(fmt.Sprintf("model[%d].say", i), t.Say, turnWords)
	}
}

// spoken checks that a line can be said.
func (l *linter) spoken(path, text string, limit int) {
	if i := strings.IndexAny(text, "()[]{}<>*_#|@\\"); i >= 0 {
		l.add(path, Warning, "unspeakable",
			"nobody can say “%c”: write only what is spoken, without stage directions", text[i])
	}
	if n := len(strings.Fields(text)); n > limit {
		l.add(path, Warning, "too-long", "%d words are too long for one turn: at most %d", n,
			limit)
		return
	}
	for _, sentence := range strings.FieldsFunc(text, func(r rune) bool {
		return strings.ContainsRune(".!?…", r)
	}) {
		if n := len(strings.Fields(sentence)); n > sentenceWords {
			l.add(path, Warning, "too-long",
				"a sentence of %d words is too long to say: make it two", n)
		}
	}
}

// walkTexts calls visit for each text of a document that people read.
func walkTexts(r store.Rule, path string, value any, visit func(path, text string)) {
	prefix := path
	if prefix != "" {
		prefix += "."
	}
	switch v := value.(type) {
	case string:
		if r.Form == "" && r.OneOf == nil {
			visit(path, v)
		}
	case []any:
		for i, item := range v {
			walkTexts(itemRule(r), fmt.Sprintf("%s[%d]", path, i), item, visit)
		}
	case map[string]any:
		for _, f := range r.Fields { // none of an open object
			walkTexts(f, prefix+f.Key, v[f.Key], visit)
		}
	}
}

// bareWords returns the words of a text in lower case, without punctuation.
func bareWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '’'
	})
}

// speller knows American spellings that are never right in British English, so that each finding
// is one. Words that are right in some sense, such as practice or program, are not among them.
type speller struct {
	stems, words map[string]string
	ize          map[string]bool
}

func newSpeller() speller {
	return speller{stems: americanStems(), words: americanWords(), ize: izeStems()}
}

// british returns the British spelling of an American word in lower case, or nothing.
func (s speller) british(word string) string {
	if british := s.words[word]; british != "" {
		return british
	}
	for _, ending := range []string{"", "s", "d", "ed", "ing", "ly", "er", "ers", "ful", "less"} {
		stem, _ := strings.CutSuffix(word, ending)
		british := s.stems[stem]
		if british == "" || stem+ending != word {
			continue
		}
		if ending != "" && strings.ContainsRune("ei", rune(ending[0])) {
			british = strings.TrimSuffix(british, "e")
		}
		return british + ending
	}
	for _, ending := range []string{
		"ize", "izes", "ized", "izing", "izer", "ization", "izations",
	} {
		if stem, ok := strings.CutSuffix(word, ending); ok && s.ize[stem] {
			return stem + strings.Replace(ending, "z", "s", 1)
		}
	}
	return ""
}

func americanStems() map[string]string {
	return map[string]string{
		"color": "colour", "behavior": "behaviour", "favor": "favour", "favorite": "favourite",
		"flavor": "flavour", "harbor": "harbour", "honor": "honour", "humor": "humour",
		"labor": "labour", "neighbor": "neighbour", "neighborhood": "neighbourhood",
		"odor": "odour", "rumor": "rumour", "tumor": "tumour", "vapor": "vapour",
		"center": "centre", "fiber": "fibre", "liter": "litre", "milliliter": "millilitre",
		"kilometer": "kilometre", "centimeter": "centimetre", "millimeter": "millimetre",
		"theater": "theatre", "caliber": "calibre", "analyz": "analys", "analyze": "analyse",
		"paralyz": "paralys", "paralyze": "paralyse", "catalog": "catalogue",
		"edema": "oedema", "hemorrhage": "haemorrhage", "hemorrhoid": "haemorrhoid",
		"maneuver": "manoeuvre", "mom": "mum", "diaper": "nappy",
		"counselor": "counsellor", "pediatrician": "paediatrician",
	}
}

func americanWords() map[string]string {
	return map[string]string{
		"anemia": "anaemia", "anemic": "anaemic", "anesthesia": "anaesthesia",
		"anesthetic": "anaesthetic", "anesthetist": "anaesthetist", "cesarean": "caesarean",
		"diarrhea": "diarrhoea", "dyspnea": "dyspnoea", "apnea": "apnoea",
		"esophagus": "oesophagus", "estrogen": "oestrogen", "gynecologist": "gynaecologist",
		"gynecology": "gynaecology", "hematology": "haematology", "hematoma": "haematoma",
		"hemoglobin": "haemoglobin", "hemophilia": "haemophilia", "leukemia": "leukaemia",
		"hypoglycemia": "hypoglycaemia", "hyperglycemia": "hyperglycaemia",
		"ischemia": "ischaemia", "ischemic": "ischaemic", "orthopedic": "orthopaedic",
		"orthopedics": "orthopaedics", "pediatric": "paediatric", "pediatrics": "paediatrics",
		"septicemia": "septicaemia", "hypocalcemia": "hypocalcaemia", "celiac": "coeliac",
		"fecal": "faecal", "feces": "faeces", "acetaminophen": "paracetamol",
		"tylenol": "paracetamol", "epinephrine": "adrenaline", "aluminum": "aluminium",
		"canceled": "cancelled", "canceling": "cancelling", "counseling": "counselling",
		"counseled": "counselled", "labeled": "labelled", "labeling": "labelling",
		"traveled": "travelled", "traveling": "travelling", "traveler": "traveller",
		"modeling": "modelling", "signaled": "signalled", "fueled": "fuelled",
		"enroll": "enrol", "enrollment": "enrolment", "fulfill": "fulfil",
		"fulfillment": "fulfilment", "skillful": "skilful", "willful": "wilful",
		"defense": "defence", "offense": "offence", "pajamas": "pyjamas", "gotten": "got",
		"jewelry": "jewellery", "moldy": "mouldy", "skeptical": "sceptical", "plow": "plough",
	}
}

// izeStems are what stands before -ise in British English, and before -ize in American.
func izeStems() map[string]bool {
	stems := map[string]bool{}
	for stem := range strings.FieldsSeq(`agon anesthet anaesthet apolog author capital categor
		character civil critic custom decentral digital economic emphas equal external familiar
		fertil final formal general harmon hospital hypothes ideal immobil immun individual
		internal item jeopard legal local magnet maxim medical memor minim mobil modern neutral
		normal optim organ oxid pasteur patron penal personal popular priorit rational real
		recogn rehydrat reorgan revital scrutin social special stabil standard steril subsid
		summar symbol sympath synchron traumat util vandal verbal visual vocal`) {
		stems[stem] = true
	}
	return stems
}
