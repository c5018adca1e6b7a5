package store

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"text/tabwriter"
)

//go:generate go run ./gen -analysis ../speech/ANALYSIS.md -web ../web/src/lib/gen/measures.ts

// Measures are the numbers that sum up an analysis. A nil measure needs what the audio does not
// have: F0 of silence, for example.
//
// A field's tags are the only description of a measure. The tables of speech/ANALYSIS.md, the
// OpenAPI document, the web's names and what the commands print all follow from them:
//
//   - name is its short name;
//   - unit is what its value counts ("%": the value is a ratio of 0 to 1, shown as a percentage);
//   - digits is the number of decimals shown;
//   - doc says in one sentence what it is;
//   - hint, if any, says what a learner should make of it;
//   - null says when there is none; a field that is not a pointer needs no such tag;
//   - group is the heading under which the web shows it; without one the web leaves it out.
//
// To add a measure, add a field here, compute it in speech/dsp, and run make generate.
type Measures struct {
	SpeechDurationS          float64  `json:"speech_duration_s" name:"Speech duration" unit:"s" digits:"1" group:"Pace" doc:"Phonation time and pauses together. The other’s turns and interruptions are left out."`
	PhonationTimeS           float64  `json:"phonation_time_s" name:"Phonation time" unit:"s" digits:"1" doc:"The sum of the stretches of speech, pauses left out."`
	SpeechRateSyllPerS       *float64 `json:"speech_rate_syll_per_s" name:"Speech rate" unit:"syllables/s" digits:"2" group:"Pace" doc:"Syllables for each second of the speech duration, pauses included." hint:"It falls when you pause often." null:"no speech"`
	ArticulationRateSyllPerS *float64 `json:"articulation_rate_syll_per_s" name:"Articulation rate" unit:"syllables/s" digits:"2" group:"Pace" doc:"Syllables for each second of actual speech (phonation time)." hint:"It says how fast you speak when you speak." null:"no speech"`
	SyllableCount            int      `json:"syllable_count" name:"Syllables" unit:"" digits:"0" group:"Pace" doc:"The number of syllable nuclei, which are counted from the peaks of the voice." hint:"It is close rather than exact."`
	MeanLengthOfRunSyll      *float64 `json:"mean_length_of_run_syll" name:"Mean length of run" unit:"syllables" digits:"1" group:"Flow and pauses" doc:"Syllables in a stretch of speech between two pauses, on average." hint:"Longer runs sound more fluent." null:"no speech"`
	MeanLengthOfRunS         *float64 `json:"mean_length_of_run_s" name:"Mean duration of run" unit:"s" digits:"2" doc:"How long a stretch of speech between two pauses lasts on average." null:"no speech"`
	PhonationTimeRatio       *float64 `json:"phonation_time_ratio" name:"Phonation-time ratio" unit:"%" digits:"0" group:"Flow and pauses" doc:"Phonation time over speech duration: the share in which there is voice and not silence." hint:"Listening does not count." null:"no speech"`
	PauseCount               int      `json:"pause_count" name:"Pauses" unit:"" digits:"0" group:"Flow and pauses" doc:"Silences of 0.25 s or longer between two stretches of speech, in which the other does not speak either." hint:"Interruptions are no pauses."`
	PausesPerMin             *float64 `json:"pauses_per_min" name:"Pauses per minute" unit:"" digits:"1" group:"Flow and pauses" doc:"Pauses for each minute of the speech duration." null:"no speech"`
	PauseTotalS              float64  `json:"pause_total_s" name:"Total pause time" unit:"s" digits:"1" doc:"The sum of the pauses."`
	PauseMeanS               *float64 `json:"pause_mean_s" name:"Mean pause" unit:"s" digits:"2" group:"Flow and pauses" doc:"How long a pause lasts on average." null:"no pause"`
	PauseMaxS                *float64 `json:"pause_max_s" name:"Longest pause" unit:"s" digits:"1" group:"Flow and pauses" doc:"How long the longest pause lasts." null:"no pause"`
	F0MedianHz               *float64 `json:"f0_median_hz" name:"Middle pitch" unit:"Hz" digits:"0" group:"Voice" doc:"The median of F0: half of the voice is above it and half below." null:"nothing voiced"`
	F0Q10Hz                  *float64 `json:"f0_q10_hz" name:"Low pitch" unit:"Hz" digits:"0" doc:"The 10th percentile of F0." null:"nothing voiced"`
	F0Q90Hz                  *float64 `json:"f0_q90_hz" name:"High pitch" unit:"Hz" digits:"0" doc:"The 90th percentile of F0." null:"nothing voiced"`
	F0RangeSemitones         *float64 `json:"f0_range_semitones" name:"Pitch range" unit:"semitones" digits:"1" group:"Voice" doc:"From the low tones (10th percentile of F0) to the high ones (90th percentile)." hint:"A narrow range can sound flat." null:"nothing voiced"`
	F0SDSemitones            *float64 `json:"f0_sd_semitones" name:"Pitch movement" unit:"semitones" digits:"1" group:"Voice" doc:"How far the pitch usually strays from its average: the standard deviation of F0." null:"nothing voiced"`
	VoicedRatio              *float64 `json:"voiced_ratio" name:"Voiced share" unit:"%" digits:"0" doc:"Voiced frames over frames of speech." null:"no speech"`
	IntensityMeanDB          *float64 `json:"intensity_mean_db" name:"Loudness" unit:"dBFS" digits:"1" group:"Voice" doc:"The mean power of the speech in the recording; 0 is full scale, the loudest possible." hint:"It depends on the microphone." null:"no speech"`
	IntensitySDDB            *float64 `json:"intensity_sd_db" name:"Loudness movement" unit:"dB" digits:"1" group:"Voice" doc:"How much the level rises and falls within speech: its standard deviation." null:"no speech"`
	NoiseFloorDB             *float64 `json:"noise_floor_db" name:"Background" unit:"dBFS" digits:"1" group:"Voice" doc:"The level outside speech: its 10th percentile, digital silence left out." hint:"The lower, the cleaner the recording." null:"nothing was recorded outside speech"`
}

// Measure describes one number of a report. Measures explains its fields.
type Measure struct {
	Key    string // in JSON
	Name   string
	Unit   string
	Digits int
	Doc    string
	Hint   string
	Null   string // when there is no value; empty: never
	Group  string

	field int // of the struct that holds the value
}

// VoiceMeasures describes the fields of Measures, in order.
func VoiceMeasures() []Measure { return describe(reflect.TypeFor[Measures]()) }

// TurnMeasures describes the numbers among the fields of Turns, in order.
func TurnMeasures() []Measure { return describe(reflect.TypeFor[Turns]()) }

// describe reads the tags of the fields that have a name tag.
func describe(t reflect.Type) []Measure {
	var list []Measure
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, ok := tag.Lookup("name")
		if !ok {
			continue
		}
		digits, err := strconv.Atoi(tag.Get("digits"))
		if err != nil {
			panic(fmt.Sprintf("store: %s.%s: digits: %v", t.Name(), t.Field(i).Name, err))
		}
		list = append(list, Measure{
			Key: tag.Get("json"), Name: name, Unit: tag.Get("unit"), Digits: digits,
			Doc: tag.Get("doc"), Hint: tag.Get("hint"), Null: tag.Get("null"),
			Group: tag.Get("group"), field: i,
		})
	}
	return list
}

// Text returns the measure's value as it is shown, with its unit: "3.46 syllables/s", "61 %". The
// value is taken from of, a Measures for VoiceMeasures and a Turns for TurnMeasures. Text returns
// "-" when there is none.
func (m Measure) Text(of any) string {
	v := reflect.ValueOf(of).Field(m.field)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "-"
		}
		v = v.Elem()
	}
	x := v.Convert(reflect.TypeFor[float64]()).Float()
	if m.Unit == "%" {
		x *= 100
	}
	text := strconv.FormatFloat(x, 'f', m.Digits, 64)
	if m.Unit != "" {
		text += " " + m.Unit
	}
	return text
}

// PrintMeasures prints a line for each measure. The values are taken from of, as in Text.
func PrintMeasures(w io.Writer, measures []Measure, of any) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, m := range measures {
		fmt.Fprintf(table, "  %s\t%s\n", m.Name, m.Text(of))
	}
	return table.Flush()
}
